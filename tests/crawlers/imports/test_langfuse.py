"""Langfuse scores, alone and with their traces."""

import json
from pathlib import Path
from typing import Any

import pytest

from crawlers.imports.langfuse import IMPORT
from geo_flywheel.records import Answer, Fact, Feedback
from tests.crawlers.imports.handing import hand, problem, write

TRACE = {
    "id": "t1",
    "timestamp": "2026-03-02T10:00:00.000Z",
    "name": "help-bot",
    "input": {"messages": [{"role": "user", "content": "Which tent?"}]},
    "output": {"role": "assistant", "content": "See [the test](https://a.example/tents)."},
    "scores": [
        {"id": "s1", "name": "thumb", "value": 1, "dataType": "BOOLEAN", "source": "ANNOTATION"},
        {"id": "s2", "name": "faithful", "value": 0.2, "dataType": "NUMERIC", "source": "EVAL"},
    ],
}


def _read(path: Path, **options: str) -> list[Fact]:
    assert IMPORT.refuse(hand(path, **options)) is None
    return list(IMPORT.read(hand(path, **options)))


def _scores(facts: list[Fact]) -> list[tuple[str, int, float | None, str | None]]:
    return [(f.answer_id, f.rating, f.score, f.rater) for f in facts if isinstance(f, Feedback)]


def test_a_trace_is_an_answer_with_the_pages_it_links_to_and_its_scores(tmp_path: Path) -> None:
    facts = _read(write(tmp_path / "traces.json", json.dumps([TRACE])))
    answer = facts[0]
    assert isinstance(answer, Answer)
    assert answer.ask
    assert (answer.id, answer.engine, answer.ask.prompt.text) == ("t1", "help-bot", "Which tent?")
    assert [(page.url, page.title) for page in answer.citations] == [("https://a.example/tents", "the test")]
    assert _scores(facts) == [("t1", 1, 1.0, "person"), ("t1", 0, 0.2, "program")]


@pytest.mark.parametrize(("good", "rating"), [("0.1", 1), ("0.5", -1)])
def test_a_number_judges_only_where_a_person_says_from_where_on_it_is_good(
    tmp_path: Path, good: str, rating: int
) -> None:
    facts = _read(write(tmp_path / "traces.json", json.dumps([TRACE])), set_good=good)
    assert _scores(facts)[1] == ("t1", rating, 0.2, "program")


def test_scores_of_the_api_and_of_a_csv_are_read_alike(tmp_path: Path) -> None:
    row = {"id": "s", "traceId": "t9", "name": "thumb", "value": 0, "dataType": "BOOLEAN", "source": "API"}
    api = write(tmp_path / "scores.json", json.dumps({"data": [row], "meta": {"page": 1}}))
    table = write(tmp_path / "scores.csv", "id,traceId,name,value,dataType,source\ns,t9,thumb,False,BOOLEAN,API\n")
    assert _scores(_read(api)) == _scores(_read(table)) == [("t9", -1, 0.0, "person")]


def test_words_a_program_wrapped_in_json_are_unwrapped_and_not_without_end(tmp_path: Path) -> None:
    wrapped: Any = "the dome"
    for _ in range(3):
        wrapped = json.dumps({"output": wrapped})
    facts = _read(write(tmp_path / "t.json", json.dumps([TRACE | {"output": wrapped}])))
    assert isinstance(facts[0], Answer)
    assert facts[0].text == "the dome"


def test_a_text_score_is_no_rating(tmp_path: Path) -> None:
    score = {"traceId": "t", "name": "note", "value": None, "dataType": "TEXT", "stringValue": "well"}
    assert not _scores(_read(write(tmp_path / "s.jsonl", json.dumps(score))))


def test_bad_options_and_other_files_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "traces.json", json.dumps([TRACE]))
    assert "--set good=high" in problem(IMPORT, hand(path, set_good="high"))
    assert "neither scores nor traces" in str(IMPORT.refuse(hand(write(tmp_path / "a.csv", "a,b\n1,2\n"))))
