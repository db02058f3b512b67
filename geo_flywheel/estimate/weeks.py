"""Intervals of what is computed from a run of periods.

Whole blocks of adjacent periods are drawn, so that what lasts from one period to the next lasts in the draws too.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from geo_flywheel.estimate import Interval

Floats = NDArray[np.float64]

LEVEL = 0.95
FEWEST_PERIODS = 8
DRAWS = 999
_NORMAL = 1.959963984540054
_NUDGE = 1e-4
_LONGEST = 0.95


def block(periods: int) -> int:
    """How many adjacent periods are drawn together."""
    return max(2, round(periods / 6))


def over_periods(
    series: Floats, statistic: Callable[[Floats], Floats], estimand: str, seed: int
) -> tuple[float, Interval | None]:
    """Return a statistic of the mean over periods, and its interval.

    Args:
        series: Shape (period, ...).
        statistic: Of means, shape (draw, ...), to shape (draw,).
        estimand: What it is an interval for.
        seed: Of the draws.

    Returns:
        The statistic, without an interval below 8 periods.

    Source:
        Politis and Romano (1992), circular blocks. Differs: percentiles are stretched about the estimate, by t over
        normal with as many degrees of freedom as there are blocks less one, and where a first-order autoregression,
        its coefficient freed of its bias (Kendall 1954), lasts longer than a block can show.
    """
    periods, mean = len(series), series.mean(axis=0, keepdims=True)
    value = float(statistic(mean)[0])
    if periods < FEWEST_PERIODS or not np.isfinite(value):
        return value, None
    drawn = statistic(np.array([series[order].mean(axis=0) for order in _orders(periods, seed)]))
    influence = (statistic(mean + _NUDGE * (series - mean)) - value) / _NUDGE
    return value, _stretched(value, drawn, _lasting(influence, 1) / np.sqrt(periods), periods, estimand)


def slope(series: Floats, period: NDArray[np.int64], estimand: str, seed: int) -> tuple[float, Interval | None]:
    """Return by how much a series, shape (period,), rises in a period, and its interval from blocks of residuals."""
    periods, time = len(series), period - period.mean()
    weights = time / (time @ time)
    value = float(weights @ series)
    if periods < FEWEST_PERIODS:
        return value, None
    left = series - series.mean() - value * time
    drawn = value + np.array([weights @ left[order] for order in _orders(periods, seed)])
    return value, _stretched(value, drawn, _lasting(left, 2) * float(np.sqrt(weights @ weights)), periods, estimand)


def _orders(periods: int, seed: int) -> NDArray[np.int64]:
    """Periods of each draw, shape (draw, period)."""
    length = block(periods)
    starts = np.random.default_rng(seed).integers(0, periods, (DRAWS, -(-periods // length)))
    orders = (starts[:, :, None] + np.arange(length)) % periods
    return np.asarray(orders.reshape(DRAWS, -1)[:, :periods])


def _lasting(influence: Floats, fitted: int) -> float:
    """Long-run standard deviation of what each period adds, by a first-order autoregression.

    Args:
        influence: Shape (period,), around 0.
        fitted: How many numbers were fitted before: 1 for a mean, 2 for a line.
    """
    periods, before, after = influence.size, influence[:-1], influence[1:]
    if not (before @ before > 0):
        return 0.0
    seen = float(before @ after / (before @ before))
    freed = min((periods * seen + fitted) / (periods - 3 * fitted), _LONGEST)
    left = after - seen * before
    return float(np.sqrt(left @ left / max(periods - 1 - fitted, 1)) / (1 - max(freed, 0.0)))


def _stretched(value: float, drawn: Floats, least: float, periods: int, estimand: str) -> Interval | None:
    if not np.isfinite(drawn).all():
        return None
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    spread = float(drawn.std())
    wider = float(stdtrit(max(periods / block(periods) - 1, 1), 1 - tail)) / _NORMAL
    wider *= max(1.0, least / spread) if spread > 0 else 1.0
    return Interval(float(value - wider * (value - low)), float(value + wider * (high - value)), LEVEL, estimand)
