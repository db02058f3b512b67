"""What is usually done, beside the estimate: each neglects something, and none is the answer."""

from dataclasses import replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimate.bcmm import LOOP, uncorrected
from geo_flywheel.estimate.bootstrap import LEVEL, Draws
from geo_flywheel.estimate.cells import STATES
from geo_flywheel.estimate.gain import gain
from geo_flywheel.estimate.moments import Moments, moments_of, uncrossed
from geo_flywheel.estimate.transitions import Transitions
from geo_flywheel.estimate.within import cell_centred, sums

Floats = NDArray[np.float64]

_LAGS = 3
_ESTIMAND = "a baseline, never the answer"


def baselines(
    columns: Floats, pairs: Transitions, moments: Moments, draws: Draws, whole: Estimate
) -> tuple[Estimate, ...]:
    """Return four labelled baselines of the loop gain, with intervals from the same draws of sites.

    Args:
        columns: Both weeks of every pair, means taken out, shape (pair, week and half and state).
        pairs: What they are of.
        moments: Of their halves crossed, of the draws of sites.
        draws: Weights of sites.
        whole: The estimate that they stand beside.
    """
    pooled = _gains(uncrossed(_levels(pairs), pairs), draws)
    fixed = _gains(uncrossed(columns, pairs), draws)
    twin, tests = _difference_gmm(pairs, draws)
    return (
        _part(whole, "baseline_pooled_ols", pooled, draws, "takes the pages' lasting level for a return"),
        _part(whole, "baseline_fixed_effects", fixed, draws,
              "noise and short panels pull it to 0: its interval misses the truth whatever the size of the panel"),
        _part(whole, "baseline_hpj_split", _half_panel(pairs, moments, draws), draws,
              "half-panel jackknife of the split halves: overshoots near 1"),
        replace(_part(whole, "baseline_difference_gmm", twin, draws,
                      "collapsed instruments, lags 3 to 5: weak where states persist"), diagnostics=tests),
    )  # fmt: skip


def _gains(moments: Moments, draws: Draws) -> Floats:
    return gain(uncorrected(moments.drawn(draws.weights)))


def _levels(pairs: Transitions) -> Floats:
    """Levels in units of the mean over all pages, less means by topic and week alone."""
    scale = (pairs.means / pairs.means.mean(axis=0))[pairs.page]
    columns = np.concatenate([pairs.before * scale, pairs.after * scale], axis=1)
    return cell_centred(columns, pairs.cell, pairs.weight[pairs.page])


def _half_panel(pairs: Transitions, moments: Moments, draws: Draws) -> Floats:
    """2 A - (A_1 + A_2) / 2 of the uncorrected matrices; a page must have pairs in both halves of the window."""
    middle = (int(pairs.time.max()) + 1) // 2
    early, late = pairs.where(pairs.time < middle), pairs.where(pairs.time >= middle)
    if not len(early.page) or not len(late.page):
        return np.full(len(draws.weights), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (uncorrected(_rooted(moments_of(part).drawn(draws.weights))) for part in (early, late))
    return gain(2 * uncorrected(moments) - (first + second) / 2)


def _rooted(moments: Moments) -> Moments:
    """Draws without any page get the identity, so that they can be inverted, and no relation."""
    empty = moments.weight == 0
    if not empty.any():
        return moments
    xx, xy, yy = moments.xx.copy(), moments.xy.copy(), moments.yy.copy()
    xx[empty], xy[empty], yy[empty] = np.eye(3), 0.0, np.eye(3)
    return replace(moments, xx=xx, xy=xy, yy=yy)


def _difference_gmm(pairs: Transitions, draws: Draws) -> tuple[Floats, dict[str, float]]:
    """Gains, shape (draw,), with the tests of the estimate: second-order autocorrelation and Hansen's J by equation."""
    rows = _runs(pairs)
    if not len(rows):
        return np.full(len(draws.weights), np.nan), {}
    columns = cell_centred(np.concatenate([pairs.before, pairs.after], axis=1), pairs.cell, pairs.weight[pairs.page])
    before = (columns[:, :3] + columns[:, 3:6]) / 2
    after = (columns[:, 6:9] + columns[:, 9:]) / 2
    root = np.sqrt(pairs.weight[pairs.page[rows]])[:, None]
    z = np.concatenate([before[rows - lag] for lag in (2, 3, 4)], axis=1) * root
    x, y = (before[rows] - before[rows - 1]) * root, (after[rows] - before[rows]) * root
    site = pairs.site[pairs.page[rows]]
    zx, zy, zz = (_by_site(z, other, site, pairs.sites) for other in (x, y, z))
    drawn = [np.tensordot(draws.weights, part, 1) for part in (zx, zy, zz)]
    weights = np.asarray(np.linalg.pinv(drawn[2], hermitian=True), dtype=np.float64)
    matrices = np.zeros((len(draws.weights), 3, 3))
    for to in range(3):
        of = np.flatnonzero(LOOP[to])
        cross = drawn[0][:, :, of].transpose(0, 2, 1) @ weights
        matrices[:, to, of] = np.linalg.solve(cross @ drawn[0][:, :, of], cross @ drawn[1][:, :, to, None])[..., 0]
    return gain(matrices), _tests(matrices[0], (x, y, z), pairs.page[rows], site, pairs.time[rows])


def _runs(pairs: Transitions) -> NDArray[np.intp]:
    """Pairs with four before them in adjacent weeks of the same page."""
    if len(pairs.page) <= _LAGS + 1:
        return np.zeros(0, np.intp)
    back = _LAGS + 1
    same = (pairs.page[back:] == pairs.page[:-back]) & (pairs.time[back:] - pairs.time[:-back] == back)
    return np.flatnonzero(same) + back


def _by_site(left: Floats, right: Floats, site: NDArray[np.int64], sites: int) -> Floats:
    return np.stack([np.stack([sums(site, one * other, sites) for other in right.T], axis=1) for one in left.T], axis=1)


def _tests(
    matrix: Floats, data: tuple[Floats, Floats, Floats], page: NDArray[np.int64], site: NDArray[np.int64],
    time: NDArray[np.int64],
) -> dict[str, float]:  # fmt: skip
    """By equation: z of the second-order autocorrelation of residuals and p of Hansen's J, both clustered by site."""
    x, y, z = data
    two_back = np.flatnonzero((page[2:] == page[:-2]) & (time[2:] - time[:-2] == 2)) + 2  # noqa: PLR2004
    found = {}
    for to, name in enumerate(STATES):
        of = np.flatnonzero(LOOP[to])
        rest = y[:, to] - x[:, of] @ matrix[to, of]
        products = sums(site[two_back], rest[two_back] * rest[two_back - 2])
        found[f"ar2_z_{name}"] = float(products.sum() / np.sqrt(products @ products))
        scores = np.stack([sums(site, column * rest) for column in z.T], axis=1)
        middle = np.linalg.pinv(scores.T @ scores, hermitian=True)
        slopes, moments = z.T @ x[:, of], z.T @ y[:, to]
        best = np.linalg.solve(slopes.T @ middle @ slopes, slopes.T @ middle @ moments)
        left = moments - slopes @ best
        found[f"hansen_p_{name}"] = float(chi2.sf(left @ middle @ left, z.shape[1] - len(of)))
    return found


def _part(whole: Estimate, quantity: str, values: Floats, draws: Draws, reason: str) -> Estimate:
    known = isfinite(values[0])
    return replace(
        whole, quantity=quantity, value=float(values[0]) if known else None,
        interval=Interval(*draws.limits(values), LEVEL, _ESTIMAND) if known else None,
        verdict=Verdict.MEASURED if known else Verdict.CANNOT_TELL, reason=reason, diagnostics={}, assumptions=(),
        parts=(),
    )  # fmt: skip
