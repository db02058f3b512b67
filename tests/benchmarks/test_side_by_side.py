from collections.abc import Callable, Iterator

import pytest

from benchmarks.side_by_side import Limit, Round, Verdict, fail_on_missed, judge

LIMITS = {"import": Limit(3)}


def rounds_of(*values: float) -> Callable[[], Round]:
    left: Iterator[float] = iter(values)
    return lambda: {"import": next(left)}


@pytest.mark.parametrize(
    ("rounds", "word"),
    [
        ([2.0, 3.0, 9.0], "kept"),
        ([2.9, 2.9, 3.1, 3.2, 3.3], "within noise"),
        ([2.9, 3.1, 3.1, 3.2, 3.3], "MISSED"),
        ([3.1], "MISSED"),
    ],
)
def test_a_limit_is_missed_when_even_the_lower_quartile_lies_above_it(rounds: list[float], word: str) -> None:
    assert Verdict("import", Limit(3), rounds).word == word


def test_seconds_are_judged_by_the_fastest_round() -> None:
    assert Verdict("report", Limit(1, "s"), [1.4, 0.9, 3.0]).word == "kept"
    assert Verdict("report", Limit(1, "s"), [1.4, 1.1, 3.0]).word == "MISSED"


def test_a_limit_that_is_kept_is_measured_once() -> None:
    (verdict,) = judge(LIMITS, rounds_of(2, 2, 4), 3)
    assert list(verdict.rounds) == [2, 2, 4]
    fail_on_missed([verdict])


def test_a_limit_that_looks_missed_is_measured_again_before_it_is_judged() -> None:
    (verdict,) = judge(LIMITS, rounds_of(4, 4, 2, 2, 2, 2), 3)
    assert verdict.word == "kept"


def test_a_limit_that_is_missed_fails_with_its_name_and_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    verdicts = judge(LIMITS, rounds_of(4, 4, 4, 5, 5, 5), 3)
    assert "import" in capsys.readouterr().out
    with pytest.raises(AssertionError, match=r"import +4\.50 x +limit 3 x +MISSED"):
        fail_on_missed(verdicts)
