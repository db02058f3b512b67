"""What takes minutes: chance by permutation, weeks as a second source of chance, the gain window by window."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import isfinite, nan, sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimate.bcmm import corrected
from geo_flywheel.estimate.bootstrap import LEVEL, Draws
from geo_flywheel.estimate.gain import gain
from geo_flywheel.estimate.moments import moments_of
from geo_flywheel.estimate.tempo import FEWEST_WEEKS, gains_of
from geo_flywheel.estimate.transitions import Transitions

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Tell = Callable[[str], None]

PERMUTATIONS = 199
_BLOCKS = 13
_DECILES = 10
_FEWEST_MOVE = 0.9
_PRESENCE = (0, 3)
_TOLD_EVERY = 20


def permutation_p(pairs: Transitions, seed: int, tell: Tell) -> dict[str, float]:
    """Return how often the gain is as large when presence is dealt out anew.

    Whole paths of presence change places among pages of one topic, one decile of citations and the same weeks, the
    pages of a site together; chance alone then gives the gain. Where fewer than nine tenths of the pages have another
    to change places with, only their share is told.
    """
    rng = np.random.default_rng(seed)
    found = _point(pairs)
    if not isfinite(found):
        return {}
    group = _alike(pairs)
    movable = float((np.bincount(group)[group] > 1).mean())
    if movable < _FEWEST_MOVE:
        return {"permutation_movable": movable}
    larger = 0
    for turn in range(PERMUTATIONS):
        if turn % _TOLD_EVERY == 0:
            tell(f"permutations: {turn} of {PERMUTATIONS}")
        larger += _point(_dealt(pairs, group, rng)) >= found
    return {"permutation_p": (1 + larger) / (1 + PERMUTATIONS), "permutation_movable": movable}


def two_way(pairs: Transitions, whole: Estimate, tell: Tell) -> tuple[Estimate, float]:
    """Return the gain with weeks as a second source of chance, and its standard error by blocks of weeks.

    Thirteenths of the window are left out one at a time; their error and that of the sites are added as if neither held
    part of the other, so the interval is wide rather than narrow. Its form is normal with Student's t.
    """
    blocks = np.array_split(np.unique(pairs.time), _BLOCKS)
    tell(f"weeks: leaving out {_BLOCKS} blocks one at a time")
    left = np.array([_point(pairs.where(~np.isin(pairs.time, block))) for block in blocks])
    error = sqrt((_BLOCKS - 1) / _BLOCKS * float(((left - left.mean()) ** 2).sum())) if np.isfinite(left).all() else nan
    part = replace(
        whole, quantity="loop_gain_sites_and_weeks", interval=None, verdict=Verdict.CANNOT_TELL,
        reason="a block of weeks is needed for a finite gain: more weeks would help", diagnostics={}, assumptions=(),
        parts=(),
    )  # fmt: skip
    if whole.value is None or not isfinite(error):
        return part, error
    half = float(stdtrit(_BLOCKS - 1, (1 + LEVEL) / 2)) * sqrt(error**2 + whole.diagnostics["standard_error"] ** 2)
    interval = Interval(whole.value - half, whole.value + half, LEVEL, "gain of such sites in such weeks")
    return replace(part, interval=interval, verdict=Verdict.MEASURED, reason=""), error


def rolling(pairs: Transitions, draws: Draws, whole: Estimate, tell: Tell) -> Iterator[Estimate]:
    """Yield the gain of windows of half the weeks (at least 16), each moved on by half its length."""
    weeks = int(pairs.time.max()) + 1
    length = max(FEWEST_WEEKS, weeks // 2)
    for start in range(0, weeks - length + 1, max(length // 2, 1)):
        tell(f"window: weeks {start} to {start + length}")
        yield _of_weeks(pairs, draws, whole, "weeks", (start, start + length))


def spells(pairs: Transitions, draws: Draws, whole: Estimate, frame: pd.DataFrame, tell: Tell) -> Iterator[Estimate]:
    """Yield the gain inside each run of at least 16 weeks in which all engines kept their version.

    Versions stand in the column `engine_version`; without it there is nothing to yield.
    """
    if "engine_version" not in frame:
        return
    served = frame.groupby("period")["engine_version"].agg(lambda one: " ".join(sorted(set(map(str, one)))))
    start = int(served.index.min())
    run = (served != served.shift()).cumsum()
    for _, of_run in served.groupby(run):
        first, last = int(of_run.index.min()) - start, int(of_run.index.max()) - start
        if last - first >= FEWEST_WEEKS:
            tell(f"spell of one version: weeks {first} to {last}")
            yield _of_weeks(pairs, draws, whole, "spell", (first, last))


def _of_weeks(pairs: Transitions, draws: Draws, whole: Estimate, kind: str, span: tuple[int, int]) -> Estimate:
    """The gain of transitions from one week up to another."""
    start, end = span
    some = pairs.where((pairs.time >= start) & (pairs.time < end))
    gains = gains_of(some, draws) if len(some.page) else np.array([np.nan])
    known = bool(isfinite(gains[0]))
    interval = Interval(*draws.limits(gains), LEVEL, "gain inside these weeks") if known else None
    return replace(
        whole, quantity=f"gain_of_{kind}_{start}_to_{end}", value=float(gains[0]) if known else None, interval=interval,
        verdict=Verdict.MEASURED if known else Verdict.CANNOT_TELL, reason="" if known else "no finite gain fits",
        n_units=len(some.weight), n_periods=end - start + 1, diagnostics={}, assumptions=(), parts=(),
    )  # fmt: skip


def _point(pairs: Transitions) -> float:
    roots = corrected(moments_of(pairs).drawn(np.ones((1, pairs.sites))))
    return float(gain(roots.matrices)[0]) if roots.found[0] else float("inf")


def _alike(pairs: Transitions) -> Numbers:
    """Group of each page: its topic, its decile of citations in the topic, and its weeks."""
    cited = pd.Series(pairs.means[:, 1] + pairs.means[:, 4])
    rank = cited.groupby(pairs.topic).rank(pct=True).to_numpy()
    decile = np.minimum((rank * _DECILES).astype(np.int64), _DECILES - 1)
    weeks = pd.Series(pairs.time).groupby(pairs.page).agg(lambda times: hash(times.to_numpy().tobytes()))
    return pd.factorize(pd.MultiIndex.from_arrays([pairs.topic, decile, weeks.to_numpy()]))[0].astype(np.int64)


def _dealt(pairs: Transitions, group: Numbers, rng: np.random.Generator) -> Transitions:
    """Presence paths dealt out inside groups, sites in a random order and their pages together."""
    place = rng.permutation(pairs.sites)[pairs.site]
    pages = np.arange(len(group))
    receiver, giver = np.lexsort((pages, pairs.site, group)), np.lexsort((pages, place, group))
    source = np.empty(len(group), np.int64)
    source[receiver] = giver
    lengths = pairs.lengths
    starts = np.cumsum(lengths) - lengths
    rows = starts[source][pairs.page] + np.arange(len(pairs.page)) - starts[pairs.page]
    before, after = pairs.before.copy(), pairs.after.copy()
    for column in _PRESENCE:
        before[:, column], after[:, column] = pairs.before[rows, column], pairs.after[rows, column]
    return replace(pairs, before=before, after=after)
