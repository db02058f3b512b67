import pytest

from crawlers.permissions.robots_rules import parse
from crawlers.permissions.said import LONGEST_VALUE, Said
from crawlers.permissions.usage import of_header, of_robots

_AGENTS = ("GPTBot", "CCBot")
_DRAFT = b"""
User-Agent: *
Allow: /
Disallow: /never/
Content-Usage: / train-ai=n
Content-Usage: /ai-ok/ train-ai=y

User-Agent: GPTBot
Allow: /
Content-Usage: / train-ai=y
"""


def states(body: bytes, path: str = "/", signal: str = "content_usage") -> dict[tuple[str | None, str], str]:
    said = of_robots(parse(body), _AGENTS, f"https://a.example{path}")
    return {(each.agent, each.purpose): each.state for each in said if each.signal == signal}


@pytest.mark.parametrize(
    ("path", "everybody"), [("/test", "disallowed"), ("/never/test", "not_stated"), ("/ai-ok/test", "allowed")]
)
def test_the_example_of_the_draft(path: str, everybody: str) -> None:
    assert states(_DRAFT, path)[None, "training"] == everybody
    assert states(_DRAFT, path)["GPTBot", "training"] == "allowed"
    assert ("CCBot", "training") not in states(_DRAFT, path)


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        ("train-ai=n", "disallowed"),
        ("/ train-ai=n", "disallowed"),
        ("train-ai=y, train-ai=n", "disallowed"),
        ("train-ai=n, train-ai=y", "allowed"),
        ("train-ai=no", "not_stated"),
        ('train-ai="n"', "not_stated"),
        ("train-ai=?0", "not_stated"),
        ("train-ai", "not_stated"),
        ("search=y", "not_stated"),
        ("Train-AI=n", "unknown"),
        ("train-ai=n search=y", "unknown"),
    ],
)
def test_only_the_tokens_y_and_n_state_anything(rule: str, state: str) -> None:
    assert states(f"User-agent: *\nContent-Usage: {rule}".encode())[None, "training"] == state
    assert of_header([("content-usage", rule.removeprefix("/ "))])[1].state == state


def test_of_rules_with_one_path_the_most_restrictive_counts_and_of_headers_the_last() -> None:
    rules = b"User-agent: *\nContent-Usage: / train-ai=y\nContent-Usage: train-ai=n\nContent-Usage: /x train-ai=y"
    assert states(rules)[None, "training"] == "disallowed"
    assert states(rules, "/xy")[None, "training"] == "allowed"
    said = of_header([("content-usage", "train-ai=n"), ("content-type", "x"), ("content-usage", "train-ai=y")])
    assert {each.purpose: each.state for each in said} == {"search_index": "not_stated", "training": "allowed"}


@pytest.mark.parametrize(
    ("line", "search", "answers", "training"),
    [
        ("search=yes,ai-train=no", "allowed", "not_stated", "disallowed"),
        (" Search = Yes , AI-Input=no ", "allowed", "disallowed", "not_stated"),
        ("ai-train=maybe", "not_stated", "not_stated", "unknown"),
        ("", "not_stated", "not_stated", "not_stated"),
    ],
)
def test_content_signal_says_yes_and_no_and_nothing_where_it_is_silent(
    line: str, search: str, answers: str, training: str
) -> None:
    found = states(f"User-agent: *\nContent-Signal: {line}\nAllow: /".encode(), signal="content_signal")
    assert found == {(None, "search_index"): search, (None, "user_fetch"): answers, (None, "training"): training}


def test_the_level_of_use_is_kept_and_states_neither_yes_nor_no() -> None:
    body = b"User-agent: *\nContent-Signal: search=yes,ai-train=no,use=reference"
    assert Said("content_signal", None, "any", "not_stated", "search=yes,ai-train=no,use=reference") in of_robots(
        parse(body), (), "https://a.example/"
    )


def test_outside_of_a_group_nothing_is_said() -> None:
    assert set(states(b"Content-Signal: ai-train=no\nUser-agent: *\nAllow: /", signal="content_signal").values()) == {
        "not_stated"
    }


def test_a_group_of_its_own_is_told_where_it_says_something() -> None:
    body = b"User-agent: gptbot\nContent-Signal: ai-train=no\n\nUser-agent: CCBot\nAllow: /"
    found = states(body, signal="content_signal")
    assert found["GPTBot", "training"] == "disallowed"
    assert [agent for agent, _ in found if agent] == ["GPTBot"]


def test_what_is_written_is_kept_short_and_printable() -> None:
    (first, *_) = of_header([("content-usage", "a=" + "x" * 3_000)])
    assert first.value is not None
    assert len(first.value) == LONGEST_VALUE + 1
    (first, *_) = of_header([("content-usage", "a=\x1b[31m")])
    assert first.value == "a= [31m"
