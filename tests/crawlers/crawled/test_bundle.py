from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.base import Reply
from crawlers.crawled.bundle import Part, bundled, parts
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture

NOW = datetime(2026, 7, 1, 12)


def reply(status: int, body: str, seconds: float = 0.5) -> Reply:
    return Reply(status, (("server", "x"),), body.encode(), "https://index.example/", NOW, seconds)


@given(
    st.lists(st.tuples(st.text(), st.integers(100, 599), st.text(st.characters(exclude_categories=["Cs"]))), min_size=1)
)
def test_what_is_bundled_comes_out_as_it_went_in(told: list[tuple[str, int, str]]) -> None:
    asked = [(question.encode("utf-8", "replace").decode(), status, body) for question, status, body in told]
    one = bundled([(question, reply(status, body)) for question, status, body in asked])
    assert parts(Capture("x", one.body)) == [Part(*each) for each in asked]


def test_a_reply_that_comes_alone_is_its_own_bundle() -> None:
    assert parts(Capture("x", b"{}", "here", http_status=404)) == [Part("here", 404, "{}")]


def test_a_bundle_has_the_status_of_its_last_reply_and_the_time_of_all() -> None:
    one = bundled([("a", reply(200, "", 1.0)), ("b", reply(503, "", 2.0))])
    assert (one.status, one.seconds, one.attempts, one.sent_at) == (503, 3.0, 2, NOW)


def test_a_bundle_that_is_cut_off_is_refused() -> None:
    with pytest.raises(Unreadable, match="the bundle is cut off or garbled"):
        parts(Capture("x", b'{"bundle":[{"asked"'))
