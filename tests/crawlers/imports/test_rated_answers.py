"""Answers that people rated, in the project's own form."""

import json
from pathlib import Path
from typing import Any

import pytest

from crawlers.imports.rated_answers import IMPORT
from geo_flywheel.records import Answer, Feedback
from tests.crawlers.imports.handing import hand, problem, write

_ROW = {"question": "Which tent?", "answer": "The dome [1](https://a.example/x).", "rater": "ann@mail.example"}


def _file(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    return write(tmp_path / "rated.jsonl", "\n".join(json.dumps(_ROW | row) for row in rows))


def _facts(path: Path, **options: str) -> tuple[list[Answer], list[Feedback]]:
    found = list(IMPORT.read(hand(path, **options)))
    return [f for f in found if isinstance(f, Answer)], [f for f in found if isinstance(f, Feedback)]


def test_one_answer_that_two_people_rated_is_one_answer_with_two_ratings(tmp_path: Path) -> None:
    answers, ratings = _facts(_file(tmp_path, {"rating": 1}, {"rating": -1, "rater": "bob"}))
    assert [page.url for page in answers[0].citations] == ["https://a.example/x"]
    assert len(answers) == 1
    assert [(r.answer_id, r.rating) for r in ratings] == [(answers[0].id, 1), (answers[0].id, -1)]
    assert len({r.rater for r in ratings}) == 2


def test_who_rated_is_told_by_a_number_alone(tmp_path: Path) -> None:
    _, [rating] = _facts(_file(tmp_path, {"rating": 1}))
    assert rating.rater
    assert "ann" not in repr(rating)


@pytest.mark.parametrize(
    ("ratings", "options", "directions"),
    [
        ([-1, 0, 1], {}, [-1, 0, 1]),
        ([1, 3, 5], {}, [-1, 0, 1]),
        ([1, 1, 1], {}, [1, 1, 1]),
        ([1, 1, 1], {"set_scale": "5"}, [-1, -1, -1]),
    ],
)
def test_stars_are_told_from_thumbs_by_what_the_file_holds(
    tmp_path: Path, ratings: list[int], options: dict[str, str], directions: list[int]
) -> None:
    path = _file(tmp_path, *({"rating": rating, "rater": str(n)} for n, rating in enumerate(ratings)))
    _, found = _facts(path, **options)
    assert [(r.rating, r.score) for r in found] == list(zip(directions, map(float, ratings), strict=True))


def test_pages_that_the_line_lists_win_over_those_of_the_text(tmp_path: Path) -> None:
    [answer], _ = _facts(_file(tmp_path, {"rating": 1, "citations": [{"url": "https://b.example/", "title": "B"}]}))
    assert [(page.url, page.title) for page in answer.citations] == [("https://b.example/", "B")]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"rating": "great"}, "line 1: rating is 'great'"),
        ({"rating": 7}, "rating is 7"),
        ({"rating": True}, "rating is True"),
        ({"rating": 1, "answer": " "}, "question or answer is empty"),
        ({"rating": 1, "citations": "https://a.example"}, "citations is no list"),
    ],
)
def test_a_line_at_fault_is_named(tmp_path: Path, row: dict[str, Any], says: str) -> None:
    assert says in problem(IMPORT, hand(_file(tmp_path, row)))


def test_thumbs_and_stars_in_one_file_are_refused(tmp_path: Path) -> None:
    assert "neither thumbs" in problem(IMPORT, hand(_file(tmp_path, {"rating": -1}, {"rating": 5})))


def test_other_files_are_refused_with_what_they_lack(tmp_path: Path) -> None:
    assert IMPORT.refuse(hand(_file(tmp_path, {}))) == "its first line has no rating"
    assert IMPORT.refuse(hand(write(tmp_path / "a.csv", "a,b\n1,2\n"))) == "no JSON objects line by line"
