"""Events of pages that cause further events, with a stated branching ratio.

    y[i, t] ~ Poisson(base[i] * season[t] + sum over l of phi[l] * y[i, t - l]),  phi falling by exp(-.4) a lag

The base is multiplicative in page and time. With `drift` the season has a rhythm of 28 periods, a jump and a trend;
an estimator that knows only a constant base takes them for contagion.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]

_DECAY = 0.4
_RHYTHM = 28
_BEFORE = 40
_JUMP_AT = 70


@dataclass(frozen=True, slots=True)
class World:
    """A stream of events by its sizes and its truth.

    Attributes:
        branching: Further events that one event causes, in [0, 1).
        pages: Pages.
        periods: Periods seen.
        lags: Periods over which an event causes others.
        drift: Whether the base moves with time.
        spread: Standard deviation of the log of the base over pages.
        seen: Chance of an event to be recorded.
    """

    branching: float = 0.4
    pages: int = 200
    periods: int = 60
    lags: int = 7
    drift: bool = True
    spread: float = 0.7
    seen: float = 1.0

    @property
    def kernel(self) -> Floats:
        """Further events per event by lag, from lag 1, shape (lag,); they sum to `branching`."""
        falling = np.exp(-_DECAY * np.arange(1, self.lags + 1))
        kernel: Floats = self.branching * falling / falling.sum()
        return kernel


def excited(world: World, seed: int) -> Columns:
    """Return one seeded stream: page_id, period and events, by page and period; the first `lags` have period < 0."""
    rng = np.random.default_rng(seed)
    base = rng.lognormal(0.0, world.spread, world.pages)
    season = _season(world)
    events = np.zeros((len(season) + world.lags, world.pages))
    for time, level in enumerate(season):
        past = events[time : time + world.lags][::-1]
        events[time + world.lags] = rng.poisson(base * level + world.kernel @ past)
    seen = rng.binomial(events[-world.periods - world.lags :].astype(np.int64), world.seen)
    periods, pages = np.indices(seen.shape)
    return {"page_id": pages.T.ravel(), "period": periods.T.ravel() - world.lags, "events": seen.T.ravel()}


def _season(world: World) -> Floats:
    times = np.arange(_BEFORE + world.periods)
    if not world.drift:
        return np.ones(len(times))
    season: Floats = 1 + 0.5 * np.sin(2 * np.pi * times / _RHYTHM) + 0.8 * (times > _JUMP_AT) + 0.01 * times
    return season
