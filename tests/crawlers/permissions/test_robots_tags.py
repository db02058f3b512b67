"""The examples are those of Google's page on robots meta tags, and of what others add to them."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.permissions.robots_tags import of_headers, of_metas
from crawlers.permissions.said import Said

_AGENTS = {"googlebot": "Googlebot", "gptbot": "GPTBot"}
_NOW = datetime(2026, 3, 1)


def forbidden(said: list[Said]) -> set[tuple[str | None, str]]:
    return {(each.agent, each.purpose) for each in said if each.state == "disallowed"}


def header(*lines: str) -> list[Said]:
    return of_headers([("x-robots-tag", line) for line in lines], _AGENTS, _NOW)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["noindex"], {(None, "search_index")}),
        (["none"], {(None, "search_index")}),
        (["NoAI, noimageai"], {(None, "training")}),
        (["noindex, nofollow, noai"], {(None, "search_index"), (None, "training")}),
        (["googlebot: nosnippet", "otherbot: noindex, noai"], {("Googlebot", "user_fetch")}),
        (["BadBot: noindex, nofollow, googlebot: nofollow, noindex"], {("Googlebot", "search_index")}),
        (["max-snippet:0"], {(None, "user_fetch")}),
        (["max-snippet: 20, max-image-preview:large"], set()),
        (["unavailable_after: 25 Jun 2025 15:00:00 PST"], {(None, "search_index")}),
        (["unavailable_after: 2027-01-01"], set()),
        (["unavailable_after: some day"], set()),
        (["all"], set()),
        ([], set()),
    ],
)
def test_headers(lines: list[str], said: set[tuple[str | None, str]]) -> None:
    assert forbidden(header(*lines)) == said


def test_a_scope_ends_with_its_line() -> None:
    assert forbidden(header("gptbot: noindex", "noai")) == {("GPTBot", "search_index"), (None, "training")}


def test_meta_tags_speak_to_all_or_to_the_agent_they_are_named_after() -> None:
    metas = [("robots", "noai, max-snippet:0"), ("gptbot", "noindex"), ("description", "noindex"), ("bingo", "noai")]
    said = of_metas(metas, _AGENTS, _NOW)
    assert forbidden(said) == {(None, "training"), (None, "user_fetch"), ("GPTBot", "search_index")}
    assert {each.value for each in said} == {"noai, max-snippet:0", "noindex"}


def test_a_page_that_forbids_nothing_states_nothing() -> None:
    assert header() == [Said("x_robots_tag", None, "any", "not_stated", None)]
    assert of_metas([("robots", "index, follow")], _AGENTS, _NOW) == [
        Said("meta_robots", None, "any", "not_stated", "index, follow")
    ]


@given(st.lists(st.text(alphabet=st.sampled_from("noaidexg:, 0-25mzunavailable_after"), max_size=60), max_size=3))
def test_every_line_is_read(lines: list[str]) -> None:
    assert header(*lines)
