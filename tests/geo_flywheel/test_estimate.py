import dataclasses
import json
import math

import pytest

from geo_flywheel.estimate import COLUMNS, Estimate, Interval, Verdict


@pytest.fixture
def estimate() -> Estimate:
    return Estimate(
        quantity="citation_rate",
        value=0.2,
        unit="share of answers",
        interval=Interval(0.1, 0.35, 0.95, "this basket, this sweep"),
        verdict=Verdict.MEASURED,
        diagnostics={"cited": 4.0, "asked": 20.0},
        seed=7,
        input_digest="abc",
    )


def test_tidy_rows_all_have_the_same_columns_in_the_same_order(estimate: Estimate) -> None:
    assert {tuple(row) for row in estimate.tidy()} == {COLUMNS}


def test_tidy_puts_the_estimate_first_and_its_diagnostics_after_it(estimate: Estimate) -> None:
    headline, *diagnostics = estimate.tidy()
    assert headline == {
        "quantity": "citation_rate",
        "value": 0.2,
        "unit": "share of answers",
        "low": 0.1,
        "high": 0.35,
        "level": 0.95,
        "estimand": "this basket, this sweep",
        "verdict": "measured",
        "reason": "",
        "seed": 7,
        "input_digest": "abc",
    }
    assert [(row["quantity"], row["value"]) for row in diagnostics] == [
        ("citation_rate.cited", 4.0),
        ("citation_rate.asked", 20.0),
    ]


def test_an_estimate_without_interval_leaves_its_limits_empty(estimate: Estimate) -> None:
    row = dataclasses.replace(estimate, interval=None).tidy()[0]
    assert (row["low"], row["high"], row["level"], row["estimand"]) == (None, None, None, None)


def test_the_diagnostics_of_an_estimate_cannot_be_changed_afterwards() -> None:
    given = {"asked": 20.0}
    estimate = Estimate("q", 1.0, "u", None, Verdict.MEASURED, diagnostics=given)
    given["asked"] = 99.0
    assert estimate.diagnostics["asked"] == 20.0
    with pytest.raises(TypeError):
        estimate.diagnostics["asked"] = 1.0  # type: ignore[index]


def test_an_interval_holds_its_limits_and_nothing_beyond() -> None:
    interval = Interval(0.1, 0.3, 0.95, "x")
    assert 0.1 in interval
    assert 0.3 in interval
    assert 0.301 not in interval
    assert interval.half_width == pytest.approx(0.1)


def test_json_knows_no_infinity_so_an_open_limit_is_null(estimate: Estimate) -> None:
    told = dataclasses.replace(
        estimate, interval=Interval(0.1, math.inf, 0.95, "x"), diagnostics={"gate": math.nan, "asked": 20.0}
    ).told()
    assert (told["low"], told["high"]) == (0.1, None)
    assert told["diagnostics"] == {"gate": None, "asked": 20.0}
    json.dumps(told, allow_nan=False)


def test_parts_are_told_inside_with_the_same_keys(estimate: Estimate) -> None:
    told = dataclasses.replace(estimate, parts=(estimate,)).told()
    parts = told["parts"]
    assert isinstance(parts, list)
    assert [list(part) for part in parts] == [list(told)]
