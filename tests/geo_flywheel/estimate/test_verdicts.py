from dataclasses import replace
from math import inf, nan

import pytest

from geo_flywheel.estimate import Verdict
from geo_flywheel.estimate.verdicts import Evidence, too_little, verdict_of

LOOP = Evidence(
    gain=0.5, low=0.42, high=0.6, gate=0.4, stage=8.0, weakest="citation -> engagement", radius=0.88, radius_high=0.91,
    weeks=52, between=0.7,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "verdict", "said"),
    [
        ({}, Verdict.FADING, "a push returns 0.50 of itself, in all 2.0 times it"),
        ({"gate": 0.0009}, Verdict.OTHER_ORDER, "exclusion gate p 0.0009"),
        ({"gate": 0.0009, "low": 1.2, "high": 1.4}, Verdict.OTHER_ORDER, "timing does not fit"),
        ({"gate": 0.005}, Verdict.CANNOT_TELL, "fits the loop badly (exclusion gate p 0.005)"),
        ({"gate": nan}, Verdict.CANNOT_TELL, "timing cannot be tested"),
        ({"gate": 0.005, "stage": 1.0, "gain": 0.01, "low": 0.0, "high": 0.05}, Verdict.HEAD_START, "below 0.10"),
        ({"low": 1.02, "high": 1.3, "gain": 1.1}, Verdict.SELF_SUSTAINING, "compounding: gaps grow"),
        ({"radius_high": 0.96}, Verdict.OPEN, "returns at least 0.42 of itself"),
        ({"high": 1.1}, Verdict.OPEN, "whether it fades needs about"),
        ({"high": inf, "radius_high": inf}, Verdict.OPEN, "upper limit of the half-life: has no bound"),
        ({"low": 0.04}, Verdict.CANNOT_TELL, "the lower limit is 0.04"),
        ({"stage": 1.6}, Verdict.CANNOT_TELL, "citation -> engagement is 1.6 standard errors from none"),
        ({"stage": 1.6, "gain": 0.02, "low": -0.02, "high": 0.09}, Verdict.HEAD_START, "70% of the variance"),
        ({"stage": 1.6, "gain": 0.02, "low": 0, "high": 0.09, "between": 0.5}, Verdict.NO_LOOP, "0.09 of a push"),
        ({"stage": 1.6, "gain": 0.02, "low": 0, "high": 0.09, "between": nan}, Verdict.NO_LOOP, "0.09 of a push"),
        ({"stage": 1.6, "gain": 0.02, "low": -0.1, "high": 0.1}, Verdict.CANNOT_TELL, "more weeks"),
    ],
)
def test_the_first_rule_that_fires_gives_the_verdict_and_its_number(
    changed: dict[str, float], verdict: Verdict, said: str
) -> None:
    found, reason = verdict_of(replace(LOOP, **changed))  # type: ignore[arg-type]
    assert found is verdict
    assert said in reason


def test_only_a_self_sustaining_loop_is_called_compounding() -> None:
    for changed in ({}, {"high": 1.1}, {"gate": 0.0001}, {"stage": 0.0}, {"high": 0.05, "low": 0.0, "gain": 0.01}):
        assert "compounding" not in verdict_of(replace(LOOP, **changed))[1]  # type: ignore[arg-type]


@pytest.mark.parametrize("changed", [{}, {"high": 1.1}, {"low": 1.02, "high": 1.3}])
def test_every_positive_verdict_names_the_cause_that_no_test_sees_and_the_rivals(changed: dict[str, float]) -> None:
    reason = verdict_of(replace(LOOP, **changed))[1]  # type: ignore[arg-type]
    assert "a hidden cause that itself travels" in reason
    assert "relative to rivals on the same prompts" in reason


def test_the_weeks_that_would_tell_are_those_in_which_narrower_limits_would() -> None:
    wide = replace(LOOP, radius_high=0.96)
    reason = verdict_of(wide)[1]
    more = int(reason.split("needs about ")[1].split()[0])
    for weeks, verdict in ((52 + more, Verdict.FADING), (52 + more // 2, Verdict.OPEN)):
        narrower = (52 / weeks) ** 0.5
        radius = 0.88 + (0.96 - 0.88) * narrower
        later = replace(LOOP, weeks=weeks, radius_high=radius, high=0.5 + 0.1 * narrower)
        assert verdict_of(later)[0] is verdict


def test_a_small_panel_is_told_what_it_lacks() -> None:
    assert too_little(30, 20) == ""
    assert "5 more sites" in too_little(25, 20)
    assert "about 3 more weeks" in too_little(30, 17)
    assert " and " in too_little(3, 2)
