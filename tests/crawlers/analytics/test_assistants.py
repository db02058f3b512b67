import re

import pytest

from crawlers.analytics.assistants import assistant, beginnings, pattern


@pytest.mark.parametrize(
    ("said", "who"),
    [
        ("chatgpt.com", "ChatGPT"),
        ("ChatGPT", "ChatGPT"),
        ("www.perplexity.ai", "Perplexity"),
        ("perplexity", "Perplexity"),
        ("Le Chat", "Le Chat"),
        ("notchatgpt.com", None),
        ("chatgpt.com.evil.example", None),
        ("x.com", None),  # holds Grok only under a path
        ("google", None),
        ("(direct)", None),
        ("", None),
    ],
)
def test_a_source_is_the_assistant_it_names_and_no_other(said: str, who: str | None) -> None:
    assert assistant(said) == who


@pytest.mark.parametrize("said", ["chatgpt.com", "www.perplexity.ai", "Perplexity", "gemini.google.com", "claude.ai"])
def test_whatever_the_pattern_finds_is_an_assistant_s(said: str) -> None:
    assert re.search(pattern(), said, re.IGNORECASE)
    assert assistant(said)


@pytest.mark.parametrize("said", ["notchatgpt.com", "chatgpt.com.evil.example", "x.com", "google", "(direct)"])
def test_the_pattern_finds_no_stranger(said: str) -> None:
    assert not re.search(pattern(), said, re.IGNORECASE)


def test_a_beginning_ends_behind_the_host_so_that_no_longer_host_begins_with_it() -> None:
    every = [beginning for of_one in beginnings().values() for beginning in of_one]
    assert "https://chatgpt.com/" in every
    assert "https://www.perplexity.ai/" in every
    assert "https://x.com/i/grok" in every
    assert all(beginning.count("/") >= 3 for beginning in every)
