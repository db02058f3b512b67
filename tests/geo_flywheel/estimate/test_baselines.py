import numpy as np
import pytest
from numpy.typing import NDArray

from geo_flywheel.estimate import Estimate, Verdict
from geo_flywheel.estimate.baselines import baselines
from geo_flywheel.estimate.bcmm import LOOP
from geo_flywheel.estimate.bootstrap import draws_of
from geo_flywheel.estimate.gain import gain
from geo_flywheel.estimate.moments import crossed, demeaned
from geo_flywheel.estimate.transitions import Transitions
from geo_flywheel.estimate.within import sums
from tests.geo_flywheel.estimate.worlds import matrix, pairs

WHOLE = Estimate("loop_gain", 0.5, "presence returned per presence", None, Verdict.FADING)
Floats = NDArray[np.float64]


def beside(seen: Transitions) -> dict[str, Estimate]:
    draws = draws_of(sums(seen.site, seen.weight), 99, 1)
    columns = demeaned(seen)
    drawn = crossed(columns, seen).drawn(draws.weights)
    return {part.quantity: part for part in baselines(columns, seen, drawn, draws, WHOLE)}


def by_dummies(seen: Transitions, dummies: Floats) -> float:
    """Gain of equation by equation least squares on the mean of both halves and dummies."""
    before, after = ((half[:, :3] + half[:, 3:]) / 2 for half in (seen.before, seen.after))
    found = np.zeros((3, 3))
    for to in range(3):
        of = np.flatnonzero(LOOP[to])
        found[to, of] = np.linalg.lstsq(np.concatenate([before[:, of], dummies], axis=1), after[:, to])[0][: len(of)]
    return float(gain(found[None])[0])


def test_fixed_effects_and_pooled_least_squares_are_those_of_dummies() -> None:
    seen = pairs(matrix(), np.random.default_rng(1), pages=80, weeks=15, sites=40)
    weeks, pages = np.eye(14)[seen.time], np.eye(80)[seen.page]
    found = beside(seen)
    assert found["baseline_pooled_ols"].value == pytest.approx(by_dummies(seen, weeks))
    assert found["baseline_fixed_effects"].value == pytest.approx(by_dummies(seen, np.hstack([weeks, pages])))


def test_they_err_as_they_are_known_to() -> None:
    found = beside(pairs(matrix(gain=0.6), np.random.default_rng(2), pages=3_000, weeks=31, noise=0.7))
    limits = {name.removeprefix("baseline_"): part.interval for name, part in found.items()}
    assert all(limits.values())
    assert limits["fixed_effects"].high < 0.45  # type: ignore[union-attr]
    assert limits["pooled_ols"].low > 0.7  # type: ignore[union-attr]
    assert found["baseline_hpj_split"].value == pytest.approx(0.6, abs=0.1)
    assert found["baseline_difference_gmm"].value == pytest.approx(0.6, abs=0.2)


def test_without_noise_the_twins_tests_do_not_reject() -> None:
    found = beside(pairs(matrix(), np.random.default_rng(3), pages=2_000, weeks=21, noise=0.0))
    tests = found["baseline_difference_gmm"].diagnostics
    for name in ("presence", "citation", "engagement"):
        assert abs(tests[f"ar2_z_{name}"]) < 3.5
        assert tests[f"hansen_p_{name}"] > 0.001
