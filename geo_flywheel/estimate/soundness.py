"""Diagnostics of a loop gain, printed and never gating: shared noise, leads without a meaning, common residuals."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from geo_flywheel.estimate.bootstrap import LEVEL, Draws, joint_test
from geo_flywheel.estimate.cells import STATES
from geo_flywheel.estimate.gain import STAGES
from geo_flywheel.estimate.transitions import Transitions
from geo_flywheel.estimate.within import sums, within

Floats = NDArray[np.float64]

_SHARED = 0.9
_SIGNS = 20


def noise_check(columns: Floats, pairs: Transitions, draws: Draws) -> tuple[dict[str, float], list[str]]:
    """Return how much noise the halves do not share, over what counting alone would give, and warnings.

    A ratio of 1 is noise of counting, above 1 more of it (a design effect), which is harmless as long as the halves do
    not share it. Below .9 the halves share noise, and the gain is pulled to 0.

    Args:
        columns: Both weeks of every pair, means taken out, shape (pair, week and half and state).
        pairs: What they are of.
        draws: Weights of sites.
    """
    numbers: dict[str, float] = {}
    warnings: list[str] = []
    freedom = (pairs.lengths - 1) * pairs.weight
    for state, name in enumerate(STATES):
        first, second = columns[:, state], columns[:, state + 3]
        apart = sums(pairs.page, (first - second) ** 2) / 2 * pairs.weight
        expected = freedom * (pairs.noise[:, state] + pairs.noise[:, state + 3]) / 2
        if np.isnan(expected).any():
            continue  # what is no count has no noise that could be known beforehand
        ratios = (draws.weights @ sums(pairs.site, apart, pairs.sites)) / (
            draws.weights @ sums(pairs.site, expected, pairs.sites)
        )
        high = float(np.percentile(ratios[1 : 1 + draws.drawn], 50 * (1 + LEVEL)))
        numbers |= {f"noise_ratio_{name}": float(ratios[0]), f"noise_ratio_{name}_high": high}
        if high < _SHARED:
            warnings.append(
                f"the halves of {name} differ by less than counting alone would make them ({ratios[0]:.2f} of it):"
                " they share noise, or count what cannot exceed a bound"
            )
    return numbers, warnings


def placebo_leads(pairs: Transitions, draws: Draws) -> dict[str, float]:
    """Return for each stage what its source two weeks on adds to its target, and p of all three being 0.

    It is 0 when innovations of different states do not go together. Shocks to whole sites, and what taking page means
    does, make it differ from 0 in a true loop too.
    """
    follows = (np.diff(pairs.page) == 0) & (np.diff(pairs.time) == 1)
    rows = np.flatnonzero(follows)
    if not len(rows):
        return {}
    kept, page = np.unique(pairs.page[rows], return_inverse=True)
    columns = np.concatenate([pairs.before[rows], pairs.after[rows], pairs.after[rows + 1]], axis=1)
    centred = within(columns, page, pairs.cell[rows], pairs.weight[kept])
    leads = np.stack([_lead(centred, stage, pairs, rows, draws) for stage in STAGES], axis=1)
    numbers = {f"placebo_lead_{of}_{to}": float(lead) for (of, to, *_), lead in zip(STAGES, leads[0], strict=True)}
    return numbers | {"placebo_lead_p": joint_test(leads[0], leads[1 : 1 + draws.drawn], draws.sites)}


def _lead(
    columns: Floats, stage: tuple[str, str, int, int], pairs: Transitions, rows: NDArray[np.intp], draws: Draws
) -> Floats:
    """Coefficient of the source two weeks on beside all three states of the week before, shape (draw,)."""
    _, _, to, of = stage
    a = np.concatenate([columns[:, :3], columns[:, 12 + of, None]], axis=1)
    b = np.concatenate([columns[:, 3:6], columns[:, 15 + of, None]], axis=1)
    target_a, target_b = columns[:, 6 + to], columns[:, 9 + to]
    site, weight = pairs.site[pairs.page[rows]], pairs.weight[pairs.page[rows]]
    xx = np.empty((pairs.sites, 4, 4))
    xy = np.empty((pairs.sites, 4))
    for i in range(4):
        xy[:, i] = sums(site, weight * (a[:, i] * target_b + b[:, i] * target_a), pairs.sites)
        for j in range(i + 1):
            xx[:, i, j] = xx[:, j, i] = sums(site, weight * (a[:, i] * b[:, j] + b[:, i] * a[:, j]), pairs.sites)
    drawn = np.tensordot(draws.weights, xx, 1), draws.weights @ xy
    solved = np.linalg.solve(drawn[0], drawn[1][..., None])
    return np.asarray(solved[:, 3, 0], dtype=np.float64)


def common_residuals(columns: Floats, matrix: Floats, pairs: Transitions, seed: int) -> dict[str, float]:
    """Return for each state p of sites' residuals of one week being independent across sites.

    Source:
        Juodis and Reese (2022), JBES 40, 1191-1203: products over pairs of sites with random signs, which stay standard
        normal when means by week were taken out. Differs: the median of 20 draws of signs, p of its size.
    """
    rest = (columns[:, 6:9] + columns[:, 9:]) / 2 - (columns[:, :3] + columns[:, 3:6]) / 2 @ matrix.T
    weeks = int(pairs.time.max()) + 1
    slot = pairs.site[pairs.page] * weeks + pairs.time
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], (_SIGNS, pairs.sites))
    numbers = {}
    for state, name in enumerate(STATES):
        table = sums(slot, rest[:, state], pairs.sites * weeks).reshape(pairs.sites, weeks)
        scale = np.sqrt((table**2).mean(axis=1))
        table = table[scale > 0] / scale[scale > 0, None]
        sites = len(table)
        of_week = (signs[:, scale > 0] @ table) ** 2 - (table**2).sum(axis=0)
        statistics = of_week.sum(axis=1) / np.sqrt(2 * weeks * sites * (sites - 1))
        numbers[f"common_residuals_p_{name}"] = float(2 * ndtr(-np.median(np.abs(statistics))))
    return numbers
