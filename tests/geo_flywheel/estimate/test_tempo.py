from dataclasses import replace

import numpy as np
import pytest

from geo_flywheel.estimate import Estimate, Verdict
from geo_flywheel.estimate.bootstrap import Draws, draws_of
from geo_flywheel.estimate.tempo import acceleration
from geo_flywheel.estimate.transitions import Transitions
from geo_flywheel.estimate.within import sums
from tests.geo_flywheel.estimate.worlds import matrix, pairs

WHOLE = Estimate("loop_gain", 0.5, "presence returned per presence", None, Verdict.FADING)


def seen(later: float = 0.3, weeks: int = 61) -> tuple[Transitions, Draws]:
    a = np.stack([matrix(gain=0.3), matrix(gain=later)])
    found = pairs(a, np.random.default_rng(3), pages=1_500, weeks=weeks)
    return found, draws_of(sums(found.site, found.weight), 199, 1)


def test_a_gain_that_grows_with_age_is_seen_to_and_one_that_shrinks_too() -> None:
    faster = acceleration(*seen(0.6), WHOLE, 5.0)
    assert faster.verdict is Verdict.MOVED_UP
    assert "each revolution makes the next faster" in faster.reason
    slope = (0.6 - 0.3) / faster.diagnostics["apart"]
    assert faster.interval is not None
    assert slope in faster.interval
    slower = acceleration(*seen(0.1), WHOLE, 5.0)
    assert slower.verdict is Verdict.MOVED_DOWN


def test_a_steady_gain_is_not_said_to_change() -> None:
    found = acceleration(*seen(), WHOLE, 5.0)
    assert found.verdict is Verdict.WITHIN_NOISE
    assert found.interval is not None
    assert 0 in found.interval


def test_age_counts_from_when_a_page_was_first_seen() -> None:
    steady, draws = seen()
    young = acceleration(steady, draws, WHOLE, 5.0)
    old = acceleration(replace(steady, entered=np.full(1_500, -500.0)), draws, WHOLE, 5.0)
    assert old.diagnostics["apart"] < young.diagnostics["apart"] / 5


@pytest.mark.parametrize(("weeks", "revolution", "said"), [(21, 5.0, "more weeks"), (61, np.nan, "nothing is known")])
def test_it_is_not_told_from_too_few_weeks_or_without_a_return(weeks: int, revolution: float, said: str) -> None:
    found = acceleration(*seen(weeks=weeks), WHOLE, revolution)
    assert found.verdict is Verdict.CANNOT_TELL
    assert found.value is None
    assert said in found.reason
