"""Saved Perplexity threads: JSON and the styles of Markdown."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.imports.perplexity_thread import IMPORT
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Status
from tests.crawlers.imports.handing import hand, problem, write

A, B = "https://a.example/tents", "https://b.example/other"
THREAD: dict[str, Any] = {
    "status": "success",
    "entries": [
        {
            "uuid": "e1",
            "query_str": "Which tent?",
            "display_model": "turbo",
            "updated_datetime": "2026-03-02T10:00:00.000000",
            "blocks": [
                {"intended_usage": "ask_text", "markdown_block": {"answer": "The dome[2]."}},
                {
                    "intended_usage": "web_results",
                    "web_result_block": {"web_results": [{"name": "Other", "url": B}, {"name": "Tents", "url": A}]},
                },
                {
                    "intended_usage": "plan",
                    "plan_block": {"steps": [{"search_web_content": {"queries": [{"query": "best tents"}]}}]},
                },
            ],
        }
    ],
}
STYLES = {
    "native": (
        '<img src="https://r2cdn.perplexity.ai/pplx-full-logo.png" height="64"/>\n\n# Which tent?\n\n'
        'The dome[^1_1].\n\n<span style="display:none">[^1_2]</span>\n\n<div align="center">⁂</div>\n\n'
        f"[^1_1]: {A}\n\n[^1_2]: {B}\n"
    ),
    "footnotes": f"# Which tent?\n\nThe dome[^1].\n\n[^1]: {A}\n[^2]: {B}\n",
    "endnotes": f"# Which tent?\n\nThe dome[1].\n\n### Sources:\n\n[1] [Tents]({A})\n[2] {B}\n",
    "inline": f"# Which tent?\n\nThe dome [1]({A}).\n\n### Sources:\n\n[1] {A}\n[2] {B}\n",
    "parentheses": f"# Which tent?\n\nThe dome ([1]({A})).\n\n**Sources:**\n- [1] {A}\n- [2] {B}\n",
    "named": f"# Which tent?\n\nThe dome ([a.example]({A})).\n\n### Sources:\n\n[1] {A}\n[2] {B}\n",
}


def _answers(path: Path, **options: str) -> list[Answer]:
    assert IMPORT.refuse(hand(path, **options)) is None
    return [fact for fact in IMPORT.read(hand(path, **options)) if isinstance(fact, Answer)]


def test_in_json_a_marker_counts_the_web_results_from_one(tmp_path: Path) -> None:
    [answer] = _answers(write(tmp_path / "thread.json", json.dumps(THREAD)))
    assert [(page.url, page.title, page.spans) for page in answer.citations] == [(A, "Tents", ((8, 11),))]
    assert [page.url for page in answer.retrievals] == [B, A]
    assert (answer.id, answer.queries, answer.model_served) == ("e1", ("best tents",), "turbo")
    assert str(answer.asked_at) == "2026-03-02 10:00:00"


@pytest.mark.parametrize("style", STYLES)
def test_in_every_style_of_markdown_one_page_is_cited_and_the_other_only_listed(tmp_path: Path, style: str) -> None:
    [answer] = _answers(write(tmp_path / "thread.md", STYLES[style]), set_asked_at="2026-03-02T10:00Z")
    assert answer.ask
    assert answer.ask.prompt.text == "Which tent?"
    assert [page.url for page in answer.citations] == [A]
    assert {page.url for page in answer.retrievals} == {A, B}
    assert answer.status is Status.GROUNDED
    assert all(
        span and answer.text[slice(*span)].strip("()").startswith("[") for c in answer.citations for span in c.spans
    )


def test_each_question_of_a_thread_is_an_answer_of_its_own(tmp_path: Path) -> None:
    two = STYLES["footnotes"] + "\n---\n\n# And boots?\n\nNone.\n"
    first, second = _answers(write(tmp_path / "thread.md", two))
    assert second.ask
    assert second.ask.prompt.text == "And boots?"
    assert (second.text, second.status, second.citations) == ("None.", Status.UNGROUNDED, ())
    assert first.id != second.id


def test_the_same_thread_saved_twice_is_the_same_answers(tmp_path: Path) -> None:
    one, other = (_answers(write(tmp_path / name, STYLES["native"])) for name in ("one.md", "other.md"))
    assert [answer.id for answer in one] == [answer.id for answer in other]


def test_other_files_are_refused(tmp_path: Path) -> None:
    assert IMPORT.refuse(hand(write(tmp_path / "x.json", '{"a": 1}'))) == "no entries of a thread"
    assert "no Markdown of a thread" in str(IMPORT.refuse(hand(write(tmp_path / "x.md", "# A\n\nplain words\n"))))
    assert "no Markdown of a thread" in str(IMPORT.refuse(hand(write(tmp_path / "x.csv", "url,date\na,b\n"))))


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("t.json", '{"entries": [{"blocks": ', "not JSON"),
        ("t.json", '{"entries": [], "blocks": []}', "no entries in it"),
        ("t.json", '{"entries": [{"blocks": []}]}', "entry 1: no query_str"),
        ("t.md", "words alone", "no first-level heading"),
    ],
)
def test_a_damaged_thread_says_what_it_lacks(tmp_path: Path, name: str, body: str, says: str) -> None:
    assert says in problem(IMPORT, hand(write(tmp_path / name, body)))


@given(body=st.text(max_size=400))
def test_no_text_makes_it_crash(tmp_path_factory: pytest.TempPathFactory, body: str) -> None:
    path = write(tmp_path_factory.mktemp("t") / "t.md", ("# Q\n" + body).encode("utf-8", "replace"))
    with contextlib.suppress(Unreadable):
        list(IMPORT.read(hand(path)))
