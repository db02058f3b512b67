import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.base import Request
from crawlers.reaching.secrecy import redact, redact_bytes, redacted_reply, redacted_request, secrets_of
from tests.crawlers.loopback import reply

KEY = 'sk-a/b+c="é d'


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        quote(KEY),
        quote(KEY, safe=""),
        quote(KEY, safe="").lower(),
        quote_plus(KEY),
        json.dumps(KEY)[1:-1],
        json.dumps(KEY, ensure_ascii=False)[1:-1],
        base64.b64encode(KEY.encode()).decode().rstrip("="),
    ],
)
def test_a_secret_is_found_in_every_form(form: str) -> None:
    assert redact(f"https://api.example/v1?q=a&api_key={form}", [KEY]) == "https://api.example/v1?q=a&api_key=REDACTED"


@given(st.text(min_size=8, max_size=40).filter(lambda key: len(key.strip()) >= 8), st.text(max_size=40))
def test_no_secret_survives(key: str, around: str) -> None:
    for text in (around + key + around, quote(key, safe="") + around, around + json.dumps(key)):
        assert key.strip() not in redact(text, [key])


def test_a_secret_inside_a_longer_one_leaves_no_rest() -> None:
    assert redact("user:user-password", ["user", "user-password"]) == "REDACTED:REDACTED"


def test_line_breaks_around_a_key_hide_nothing() -> None:
    assert (
        redact("Illegal header value b'Bearer sk-key\\n'", ["sk-key\n"]) == "Illegal header value b'Bearer REDACTED\\n'"
    )


@pytest.mark.parametrize("nothing", ["", " ", "\n"])
def test_an_empty_secret_redacts_nothing(nothing: str) -> None:
    assert redact("text", [nothing]) == "text"


@given(st.binary(max_size=60))
def test_bytes_without_a_secret_stay_as_they_are(body: bytes) -> None:
    assert redact_bytes(body, ["long-enough-secret"]) == body


def test_a_request_for_the_archive_holds_no_credential() -> None:
    request = Request(
        "POST",
        "https://api.example/v1?api_key=sk-in-address&q=a",
        {"Authorization": "Bearer sk-in-header", "x-note": "by sk-in-address", "accept": "*/*"},
        b'{"key": "sk-in-address", "q": "a"}',
        secrets=("sk-in-address",),
    )
    kept = redacted_request(request)
    assert kept.url == "https://api.example/v1?api_key=REDACTED&q=a"
    assert kept.headers == {"Authorization": "REDACTED", "x-note": "by REDACTED", "accept": "*/*"}
    assert kept.body == b'{"key": "REDACTED", "q": "a"}'
    assert kept.secrets == ()
    assert (kept.method, kept.paid, kept.public) == (request.method, request.paid, request.public)


def test_credentials_in_headers_are_secrets_though_nobody_named_them() -> None:
    login = base64.b64encode(b"me@example.com:word").decode()
    secrets = secrets_of(Request("GET", "https://api.example", {"Authorization": f"Basic {login}"}, secrets=("word",)))
    assert redact(f"it said {login} and word", secrets) == "it said REDACTED and REDACTED"


def test_a_reply_repeats_no_secret_and_keeps_no_session() -> None:
    came = reply(
        401,
        b'{"error": "bad key sk-1"}',
        content_type="application/json",
        location="/?key=sk-1",
        set_cookie="session=1",
    )
    kept = redacted_reply(came, ["sk-1"])
    assert kept.body == b'{"error": "bad key REDACTED"}'
    assert kept.headers == (("content-type", "application/json"), ("location", "/?key=REDACTED"))


def test_a_request_shows_neither_key_nor_address_when_printed() -> None:
    request = Request("GET", "https://api.example/v1?api_key=sk-1", {"x-api-key": "sk-2"}, b"sk-3", secrets=("sk-1",))
    assert repr(request) == "Request(GET api.example)"
