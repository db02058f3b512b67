"""The filters against datatrove 0.10.1, which corpora were filtered with, on texts written for these tests.

`datatrove_golden.jsonl` holds what its filters say of each text with all rules but one switched off, and the values of
its own functions. Its `fineweb/punctuated_lines` had quotation marks among the ends, as in the code that made FineWeb.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.page_text import c4, fineweb, gopher_quality, gopher_repetition
from crawlers.page_text.filters import Verdict, judged
from crawlers.page_text.words import words
from geo_flywheel.registry.page_rules import page_rules

_GOLDEN = Path(__file__).parent / "datatrove_golden.jsonl"
CASES = [json.loads(line) for line in _GOLDEN.read_text("utf-8").splitlines()]
_ENGLISH = "The handle of this one held for a year. It was with us to the end, and that is what we have to say of it."


def verdicts(text: str) -> dict[str, Verdict]:
    return {f"{verdict.rule_set}/{verdict.rule}": verdict for verdict in judged(text, words(text))}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:20])
def test_every_value_is_that_of_datatrove(case: dict[str, Any]) -> None:
    found = verdicts(case["text"])
    assert {name: found[name].value for name in case["values"]} == pytest.approx(case["values"], abs=1e-8)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:20])
def test_every_rule_passes_and_fails_the_texts_that_it_does_in_datatrove(case: dict[str, Any]) -> None:
    found = verdicts(case["text"])
    assert {name: found[name].passed is not False for name in case["passed"]} == case["passed"]
    symbols = [found[f"gopher_quality/{rule}"].passed for rule in ("hashes_per_word", "ellipses_per_word")]
    assert all(symbols) == case["symbols_pass"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:20])
def test_c4_drops_the_pages_and_lines_that_it_does_in_datatrove(case: dict[str, Any]) -> None:
    found = verdicts(case["text"])
    names = {"too_few_sentences": "sentences", "lorem_ipsum": "lorem_ipsum", "curly_bracket": "curly_brackets"}
    failed = {theirs for theirs, ours in names.items() if found[f"c4/{ours}"].passed is False}
    assert case["c4_drops_for"] in failed if failed else case["c4_drops_for"] is None
    lines = len(case["text"].splitlines())
    for rule, dropped in case.get("c4_lines", {}).items():
        assert found[f"c4/{rule}"].value == pytest.approx(dropped / lines)


def test_a_curly_bracket_in_a_line_that_is_lost_anyway_costs_no_page() -> None:
    assert c4.values("a {b} without an end\nHere {it} costs the page.")["curly_brackets"] == 1


def test_a_citation_mark_after_the_end_of_a_sentence_costs_no_line() -> None:
    assert c4.values("This is said of it there.[12]")["line_end_punctuation"] == 0.0
    assert c4.values("This is said of it there [12] no")["line_end_punctuation"] == 1.0


def test_a_line_with_a_word_of_more_than_a_thousand_letters_is_lost() -> None:
    assert c4.values(f"Here is {'a' * 1001} now.\nHere is one that stays.")["line_long_words"] == 0.5


def test_an_empty_text_fails_for_its_length_alone_and_the_rest_cannot_be_applied() -> None:
    found = verdicts("")
    assert {name for name, verdict in found.items() if verdict.passed is False} == {
        "gopher_quality/words",
        "gopher_quality/stop_words",
        "c4/sentences",
    }
    assert found["gopher_quality/mean_word_length"][2:4] == (None, None)
    assert found["fineweb/short_lines"][2:4] == (None, None)
    assert found["gopher_repetition/top_2_gram"][2:4] == (None, None)


@pytest.mark.parametrize(("value", "passed"), [(49, False), (50, True), (100_000, True), (100_001, False)])
def test_both_limits_of_a_rule_pass(value: float, passed: bool) -> None:  # noqa: FBT001
    assert page_rules()["gopher_quality"]["words"].allows(value) is passed


def test_there_is_a_verdict_of_every_rule_listed_and_every_value_has_a_rule() -> None:
    tokens = words(_ENGLISH)
    computed = {
        "gopher_quality": gopher_quality.values(_ENGLISH, tokens),
        "gopher_repetition": gopher_repetition.values(_ENGLISH, tokens),
        "c4": c4.values(_ENGLISH),
        "fineweb": fineweb.values(_ENGLISH, tokens),
    }
    assert {name: set(values) for name, values in computed.items()} == {
        name: set(limits) for name, limits in page_rules().items()
    }
    assert set(gopher_repetition.values("", [])) == set(computed["gopher_repetition"])
    assert set(fineweb.values("", [])) == set(computed["fineweb"])


@given(st.text(max_size=300))
def test_every_text_is_judged_and_every_share_lies_between_nothing_and_all(text: str) -> None:
    found = judged(text, words(text))
    shares = [each.value for each in found if each.rule.startswith("duplicate") and each.value is not None]
    assert all(0 <= share <= 1 for share in shares)
    assert all((verdict.passed is None) == (verdict.value is None) for verdict in found)
