from datetime import timedelta
from email.utils import format_datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.base import Request
from crawlers.reaching.patience import Effort, Lost, Patience, backoff, is_passing, told_wait
from geo_flywheel.errors import NoReply
from tests.crawlers.loopback import NOW, reply

ASK = Request("POST", "https://api.example/v1", paid=True)
GOOGLE = "type.googleapis.com/google.rpc."


def error(**told: object) -> bytes:
    return orjson.dumps({"error": told})


def retry_info(delay: object) -> bytes:
    return error(code=429, details=[{"@type": GOOGLE + "RetryInfo", "retryDelay": delay}])


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 520, 529])
def test_trouble_that_passes_is_asked_again(status: int) -> None:
    assert is_passing(reply(status))


@pytest.mark.parametrize("status", [200, 204, 301, 304, 400, 401, 402, 403, 404, 410, 413, 422, 451])
def test_a_final_answer_is_not_asked_again(status: int) -> None:
    assert not is_passing(reply(status))


@pytest.mark.parametrize(
    "body",
    [
        error(code="insufficient_quota", message="You exceeded your current quota"),
        error(type="insufficient_quota", code=None),
        error(details=[{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]),
        b"[" + error(details=[{"violations": [{"quotaId": "RequestsPerDay"}]}]) + b"]",
    ],
)
def test_money_or_a_day_that_is_spent_is_final(body: bytes) -> None:
    assert not is_passing(reply(429, body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        error(code="rate_limit_exceeded"),
        error(details="PerDay"),
        error(details=[{"violations": [{"quotaId": "GenerateRequestsPerMinutePerProject"}]}]),
        b'{"error": "insufficient_quota"}' + b" " * 1024**2,
    ],
)
def test_a_rate_that_is_too_high_passes_whatever_its_body(body: bytes) -> None:
    assert is_passing(reply(429, body))


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry_after_ms": "1500"}, b"", 1.5),
        ({"retry_after_ms": "1500", "retry_after": "60"}, retry_info("34s"), 1.5),
        ({"retry_after": "60"}, retry_info("34s"), 60),
        ({"retry_after": "0"}, b"", 0),
        ({"retry_after": " 2.5 "}, b"", 2.5),
        ({"retry_after": "Sun, 22 Nov 2026 12:01:30 GMT"}, b"", 90),
        ({"retry_after": "Sun, 22 Nov 2026 13:01:30 +0100"}, b"", 90),
        ({"retry_after": "Sun, 22 Nov 2026 11:00:00 GMT"}, b"", 0),
        ({"retry_after_ms": "soon", "retry_after": "later"}, retry_info("34.074824224s"), 34.074824224),
        ({"retry_after": "-1"}, b"[" + retry_info("7s") + b"]", 7),
        ({"retry_after": "nan"}, retry_info({"seconds": 3}), None),
        ({"retry_after": "inf"}, retry_info("-3s"), None),
        ({}, b"not json", None),
    ],
)
def test_every_form_of_a_wait_is_understood(headers: dict[str, str], body: bytes, seconds: float | None) -> None:
    assert told_wait(reply(429, body, **headers), NOW) == seconds


@given(st.text(max_size=60), st.binary(max_size=60))
def test_no_header_and_no_body_breaks_the_reading_of_a_wait(header: str, body: bytes) -> None:
    wait = told_wait(reply(429, body, retry_after=header), NOW)
    assert wait is None or wait >= 0


@given(st.integers(0, 10**6))
def test_a_date_is_as_good_as_its_seconds(seconds: int) -> None:
    date = format_datetime(NOW + timedelta(seconds=seconds)).replace("-0000", "GMT")
    assert told_wait(reply(503, retry_after=date), NOW) == seconds


def test_waits_double_and_are_spread_up_to_a_limit() -> None:
    assert [backoff(attempt, 1.0) for attempt in range(1, 5)] == [1, 2, 4, 8]
    assert backoff(3, 0.0) == 2
    assert backoff(10_000, 1.0) == 30


def test_attempts_end_with_the_last_reply() -> None:
    effort = Effort(ASK, "api.example", Patience(attempts=3))
    assert [effort.after_reply(reply(503), NOW, 0.0) for _ in range(3)] == [0.5, 1.0, None]
    assert (effort.attempts, effort.unanswered) == (3, 0)


def test_a_wait_longer_than_patience_is_not_begun() -> None:
    effort = Effort(ASK, "api.example", Patience(waiting=120))
    assert effort.after_reply(reply(429, retry_after="100"), NOW, 0.0) == 100
    assert effort.after_reply(reply(429, retry_after="21"), NOW, 0.0) is None


def test_a_lost_request_that_may_have_been_billed_is_counted_and_soon_given_up() -> None:
    effort = Effort(ASK, "api.example", Patience(unanswered=2))
    effort.after_loss(Lost("ReadTimeout", arrived=True), 0.0)
    effort.after_reply(reply(503), NOW, 0.0)
    assert effort.unanswered == 1
    with pytest.raises(
        NoReply, match="api.example gave no reply in 3 attempts, of which 2 may have been billed"
    ) as raised:
        effort.after_loss(Lost("ReadTimeout", arrived=True), 0.0)
    assert raised.value.unanswered == 2


def test_a_request_that_never_arrived_or_costs_nothing_is_not_marked() -> None:
    refused = Effort(ASK, "api.example", Patience(attempts=2))
    free = Effort(Request("GET", "https://api.example"), "api.example", Patience(attempts=2))
    for effort, lost in ((refused, Lost("ConnectError", arrived=False)), (free, Lost("ReadError", arrived=True))):
        effort.after_loss(lost, 0.0)
        with pytest.raises(NoReply) as raised:
            effort.after_loss(lost, 0.0)
        assert raised.value.unanswered == 0
        assert "billed" not in str(raised.value)
