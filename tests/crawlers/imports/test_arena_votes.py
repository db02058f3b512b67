"""Battles of two answers and the votes on them."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawlers.imports.arena_votes import IMPORT
from geo_flywheel.records import Answer, Feedback
from tests.crawlers.imports.handing import hand, problem, write


def _side(words: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": "Which tent?"}, {"role": "assistant", "content": words}]


BATTLE: dict[str, Any] = {
    "model_a": "gpt-4o-search-preview",
    "model_b": "ppl-sonar-pro",
    "winner": "model_b",
    "judge": "arena_user_17",
    "turn": 1,
    "timestamp": "2025-04-01 10:00:00",
    "messages_a": _side("The dome ([A](https://a.example/1))."),
    "messages_b": _side("The tunnel [2]."),
    "system_a_metadata": {"web_search_trace": [[["[1]", "https://a.example/1"]]]},
    "system_b_metadata": {"web_search_trace": [[["[1]", "https://b.example/1"], ["[2]", "https://b.example/2"]]]},
}


def _facts(path: Path) -> tuple[list[Answer], list[Feedback]]:
    found = list(IMPORT.read(hand(path)))
    return [f for f in found if isinstance(f, Answer)], [f for f in found if isinstance(f, Feedback)]


def _written(tmp_path: Path, kind: str, **changes: Any) -> Path:
    battle = BATTLE | changes
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist([battle]), tmp_path / "battles.parquet")
        return tmp_path / "battles.parquet"
    return write(tmp_path / "battles.json", json.dumps([battle] if kind == "array" else battle))


@pytest.mark.parametrize("kind", ["array", "lines", "parquet"])
def test_both_answers_are_read_and_the_vote_stands_beside_each(tmp_path: Path, kind: str) -> None:
    path = _written(tmp_path, kind)
    assert IMPORT.refuse(hand(path)) is None
    [a, b], votes = _facts(path)
    assert (a.engine, b.engine) == ("gpt-4o-search-preview", "ppl-sonar-pro")
    assert [page.url for page in a.citations] == ["https://a.example/1"]
    assert [(vote.answer_id, vote.rating) for vote in votes] == [(a.id, -1), (b.id, 1)]
    assert "arena_user" not in repr(votes)


def test_what_a_search_offered_and_no_marker_names_is_retrieved_and_not_cited(tmp_path: Path) -> None:
    [_, b], _ = _facts(_written(tmp_path, "array"))
    assert [page.url for page in b.citations] == ["https://b.example/2"]
    assert [page.url for page in b.retrievals] == ["https://b.example/1", "https://b.example/2"]


@pytest.mark.parametrize(("winner", "ratings"), [("tie", [0, 0]), ("tie (bothbad)", [-1, -1]), (None, [])])
def test_a_tie_judges_neither_and_no_vote_is_none(tmp_path: Path, winner: str | None, ratings: list[int]) -> None:
    _, votes = _facts(_written(tmp_path, "array", winner=winner))
    assert [vote.rating for vote in votes] == ratings


def test_the_same_battle_in_two_files_is_the_same_answers(tmp_path: Path) -> None:
    one, _ = _facts(_written(tmp_path, "array"))
    other, _ = _facts(_written(tmp_path, "parquet"))
    assert [answer.id for answer in one] == [answer.id for answer in other]


def test_a_battle_without_an_answer_is_named(tmp_path: Path) -> None:
    assert "battle 1: no question or no answer in messages_b" in problem(
        IMPORT, hand(_written(tmp_path, "array", messages_b=[]))
    )


def test_other_files_are_refused(tmp_path: Path) -> None:
    assert IMPORT.refuse(hand(write(tmp_path / "x.json", '[{"a": 1}]'))) == "no model_a, model_b, winner in it"
    assert "neither JSON nor Parquet" in str(IMPORT.refuse(hand(write(tmp_path / "x.csv", "a,b\n"))))
