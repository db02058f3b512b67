import asyncio

import pytest

from crawlers.analytics.google import access_token
from crawlers.base import Service
from geo_flywheel.errors import ConfigError, Refused
from tests.crawlers.signals.asking import Replay

TRIO = {"GOOGLE_REFRESH_TOKEN": "1//r", "GOOGLE_CLIENT_ID": "client", "GOOGLE_CLIENT_SECRET": "hidden"}


def token(keys: dict[str, str], *replies: tuple[int, object]) -> tuple[str, Replay]:
    http = Replay(replies)
    return asyncio.run(access_token(http, Service("ga4", "https://x.example", keys))), http


def test_an_access_token_is_used_as_it_is() -> None:
    found, http = token({"GOOGLE_ACCESS_TOKEN": "ya29", **TRIO})
    assert (found, http.sent) == ("ya29", [])


def test_a_refresh_token_brings_one_and_stays_out_of_the_address() -> None:
    found, http = token(TRIO, (200, {"access_token": "ya29.new", "expires_in": 3599}))
    assert found == "ya29.new"
    assert http.sent[0].url == "https://oauth2.googleapis.com/token"
    assert http.forms == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "1//r",
            "client_id": "client",
            "client_secret": "hidden",
        }
    ]
    assert set(TRIO.values()) <= set(http.sent[0].secrets)


@pytest.mark.parametrize("reply", [(400, {"error": "invalid_grant"}), (200, b"<html>"), (200, {"access_token": 5})])
def test_a_refresh_token_that_google_does_not_take_is_told_with_what_to_do(reply: tuple[int, object]) -> None:
    with pytest.raises(Refused, match="make a new refresh token and set GOOGLE_REFRESH_TOKEN"):
        token(TRIO, reply)


@pytest.mark.parametrize(
    ("keys", "missing"),
    [({}, "GOOGLE_ACCESS_TOKEN, or GOOGLE_REFRESH_TOKEN"), ({"GOOGLE_REFRESH_TOKEN": "1//r"}, "GOOGLE_CLIENT_ID")],
)
def test_what_is_missing_is_named(keys: dict[str, str], missing: str) -> None:
    with pytest.raises(ConfigError, match=f"ga4 needs {missing}"):
        token(keys)
