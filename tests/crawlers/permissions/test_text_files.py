import pytest

from crawlers.permissions.text_files import of_ai_txt, of_llms_txt

_FRONT = "https://a.example/"


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, b"# Spawning AI\nUser-Agent: *\nDisallow: *.txt\nDisallow: *.jpg\n", "disallowed"),
        (200, b"User-Agent: *\nDisallow: /\n", "disallowed"),
        (200, b"User-Agent: *\nAllow: *.html\nAllow: *.txt\nDisallow: *.jpg\n", "allowed"),
        (200, b"User-Agent: *\nDisallow: *.jpg\n", "allowed"),
        (200, b"---\nname: An app\n---\n# What it does\n", "not_stated"),
        (200, b"<!doctype html><title>Not found</title>", "not_stated"),
        (200, b"", "not_stated"),
        (404, b"User-Agent: *\nDisallow: /\n", "not_stated"),
        (503, b"", "unknown"),
        (429, b"", "unknown"),
        (0, b"", "unknown"),
    ],
)
def test_an_ai_txt_speaks_of_text_in_the_grammar_of_robots_txt_or_not_at_all(
    status: int, body: bytes, state: str
) -> None:
    (said,) = of_ai_txt(status, body, _FRONT)
    assert (said.signal, said.agent, said.purpose, said.state) == ("ai_txt", None, "training", state)


@pytest.mark.parametrize(
    ("status", "body", "state", "value"),
    [
        (200, b"\xef\xbb\xbf# What we make\n\n> All of it.", "not_stated", "# What we make"),
        (200, b"<!doctype html>", "not_stated", None),
        (404, b"# Not found", "not_stated", None),
        (500, b"", "unknown", "HTTP 500"),
        (0, b"", "unknown", "could not be fetched"),
    ],
)
def test_an_llms_txt_is_there_or_not_and_never_a_permission(
    status: int, body: bytes, state: str, value: str | None
) -> None:
    (said,) = of_llms_txt(status, body)
    assert said[1:] == (None, "discovery", state, value)
