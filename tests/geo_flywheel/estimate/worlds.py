"""Continuous panels whose transition matrix is known, seen in two halves."""

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.estimate.transitions import Transitions

Floats = NDArray[np.float64]


def matrix(*, gain: float = 0.5) -> Floats:
    """A loop presence -> citation -> engagement -> presence with this gain, shape (to, from)."""
    loop = np.diag([0.6, 0.3, 0.2])
    loop[1, 0], loop[2, 1], loop[0, 2] = np.array([0.7, 0.8, 0.4]) * np.cbrt(gain)
    return loop


def pairs(
    a: Floats, rng: np.random.Generator, *, pages: int = 600, weeks: int = 31, sites: int = 60, noise: float = 0.5,
    kept: float = 1.0,
) -> Transitions:  # fmt: skip
    """Pairs of a vector autoregression with page effects, both halves with noise of their own.

    Args:
        a: Transition matrix, shape (to, from), or those of the first and the second half of the weeks, (2, to, from).
        rng: Where chance comes from.
        pages: Pages.
        weeks: Weeks that are seen.
        sites: Sites.
        noise: Standard deviation of a half's noise over that of an innovation.
        kept: Chance of a pair to be seen.
    """
    level, x, seen = rng.normal(0, 0.3, (pages, 3)), np.zeros((pages, 3)), []
    for week in range(-60, weeks):
        now = a if a.ndim == 2 else a[int(week >= weeks // 2)]
        x = x @ now.T + level + rng.normal(0, 1, (pages, 3)) + rng.normal(0, 0.5, 3)
        if week >= 0:
            seen.append(x)
    states = np.array(seen).transpose(1, 0, 2)
    halves = np.concatenate([states + rng.normal(0, noise, states.shape) for _ in "ab"], axis=2)
    there = rng.random((pages, weeks - 1)) < kept
    page, time = np.nonzero(there)
    return Transitions(
        page, time, halves[:, :-1][there], halves[:, 1:][there], np.ones(pages), np.arange(pages) % sites,
        np.zeros(pages, np.int64), np.full(pages, np.nan), np.ones((pages, 6)), np.full((pages, 6), np.nan), sites,
    )  # fmt: skip
