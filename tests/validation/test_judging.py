from math import inf
from typing import Any

import pytest

from geo_flywheel.estimate import Verdict
from geo_flywheel.simulate.market import World
from tests.validation.cells import Cell, Promise
from tests.validation.judging import Check, checks, share, summary


def _row(value: float | None = 0.5, low: float | None = 0.4, high: float | None = 0.6, **more: Any) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "verdict": Verdict.FADING, "gate_p": 0.5, "naive": {}, **more}


def _outcomes(rows: list[dict[str, Any]], promise: Promise, gain: float = 0.5, **world: Any) -> dict[str, str]:
    cell = Cell("some", "", World(gain=gain, **world), (promise,))
    found: list[Check] = list(checks(cell, summary(cell.truth, rows)))
    return {check.name: check.outcome for check in found}


def test_shares_carry_the_error_of_their_count() -> None:
    assert share(100, 200).error == pytest.approx(0.5 / 200**0.5, rel=0.02)
    assert share(0, 200).error > 0


def test_coverage_and_bias_are_of_the_numbers_given() -> None:
    seen = summary(0.5, [_row(), _row(0.7, 0.55, 0.9), _row(None, None, None, verdict=Verdict.CANNOT_TELL)])
    assert seen.replications == 3
    assert seen.refused.value == pytest.approx(1 / 3)
    assert seen.cover.value == 0.5
    assert seen.lower.value == 0.5
    assert seen.median.value == pytest.approx(0.6)
    assert seen.verdicts[Verdict.FADING].value == pytest.approx(2 / 3)


def test_no_root_counts_as_infinite_and_an_open_interval_holds_what_lies_above_its_lower_limit() -> None:
    seen = summary(0.5, [_row(), _row(None, 0.4, None), _row(None, 0.6, None)])
    assert seen.median.value == inf
    assert seen.cover.value == pytest.approx(2 / 3)


def test_a_promise_is_broken_only_beyond_two_errors() -> None:
    near = [_row(low=0.4 if number < 174 else 0.51) for number in range(200)]
    far = [_row(low=0.4 if number < 160 else 0.51) for number in range(200)]
    assert _outcomes(near, "number")["coverage"] == "kept"
    assert _outcomes(far, "number")["coverage"] == "BROKEN"


def test_intervals_that_hold_the_truth_always_are_too_wide_but_where_there_is_nothing() -> None:
    assert _outcomes([_row()] * 800, "number")["coverage"] == "BROKEN"
    assert _outcomes([_row(0.0, -0.01, 0.01)] * 800, "number", gain=0.0)["coverage"] == "kept"


def test_bias_is_judged_against_what_is_promised() -> None:
    assert _outcomes([_row(0.52)] * 200, "number")["median bias"] == "kept"
    assert _outcomes([_row(0.54)] * 200, "number")["median bias"] == "BROKEN"


def test_a_loop_seen_where_there_is_none_breaks_the_promise() -> None:
    few = [_row(verdict=Verdict.OPEN if number < 10 else Verdict.NO_LOOP) for number in range(200)]
    many = [_row(verdict=Verdict.OPEN if number < 30 else Verdict.NO_LOOP) for number in range(200)]
    assert _outcomes(few, "no loop", gain=0.0) == {"loop seen": "kept"}
    assert _outcomes(many, "no loop", gain=0.0) == {"loop seen": "BROKEN"}


def test_fading_where_nothing_fades_breaks_the_promise() -> None:
    assert _outcomes([_row()] * 200, "lower limit", gain=1.0)["called fading"] == "BROKEN"
    assert _outcomes([_row(verdict=Verdict.OPEN)] * 200, "lower limit", gain=1.0)["called fading"] == "kept"


def test_a_gate_that_lets_a_common_cause_pass_breaks_the_promise() -> None:
    assert _outcomes([_row(gate_p=1e-6)] * 200, "gate power") == {"gate rejects": "kept"}
    assert _outcomes([_row(gate_p=0.01)] * 200, "gate power") == {"gate rejects": "BROKEN"}


def test_where_all_refuse_nothing_is_promised() -> None:
    refused = [_row(None, None, None, verdict=Verdict.CANNOT_TELL)] * 200
    assert set(_outcomes(refused, "number").values()) == {"refuses"}
