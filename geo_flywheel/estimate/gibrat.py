"""Whether the large grow as fast as the small: the slope of a later share on an earlier one, on log scales."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.errors import NotIdentified
from geo_flywheel.estimate import Interval
from geo_flywheel.estimate.jackknife import group_sums, groups_of, jackknife
from geo_flywheel.estimate.shares import Halves

Floats = NDArray[np.float64]

FEWEST_UNITS = 30
FEWEST_CITATIONS = 20
_NO_LOG_BIAS = 0.5
FEWEST_PERIODS = 8
_ESTIMAND = "units like these, first to last quarter of the periods; corrected for noise"
_AS_SEEN = "units like these, first to last quarter of the periods; not corrected: below 1 from noise alone"


class Gibrat(NamedTuple):
    """Slopes of the later on the earlier share.

    Attributes:
        slope: With one half of the earlier share in the place of the other, so that its noise drops out.
        interval: Of it.
        attenuated: By least squares on both halves: below 1 from noise alone.
        attenuated_interval: Of that.
        units: Units cited at least 20 times in every other of the early periods.
        vanished: How many of them are not cited later.
    """

    slope: float
    interval: Interval | None
    attenuated: float
    attenuated_interval: Interval | None
    units: int
    vanished: int


def gibrat(halves: Halves, labels: list[str]) -> Gibrat:
    """Fit the growth of shares from the first quarter of the periods to the last.

    Raises:
        NotIdentified: If there are fewer than 8 periods or 30 units.

    Source:
        Gibrat's law by instrumental variables: the half of the prompts that is not the regressor is the instrument,
        each in turn. Units are chosen by other periods than those they are measured in, since who is chosen by luck
        falls back; ln(count + 1/2) is unbiased for counts of a few and more, and has a value at 0.
    """
    periods = halves.a.shape[1]
    if periods < FEWEST_PERIODS:
        raise NotIdentified(f"needs {FEWEST_PERIODS} periods, has {periods}")
    quarter = periods // 4
    both = halves.a + halves.b
    used = both[:, 1:quarter:2].sum(axis=1) >= FEWEST_CITATIONS
    if used.sum() < FEWEST_UNITS:
        raise NotIdentified(f"needs {FEWEST_UNITS} units cited {FEWEST_CITATIONS} times early on, has {used.sum()}")
    measured = (part[:, 0:quarter:2].sum(axis=1) for part in (halves.a, halves.b, both))
    later = both[used, -quarter:].sum(axis=1)
    y, x_a, x_b, x = (np.log(counts + _NO_LOG_BIAS) for counts in (later, *(part[used] for part in measured)))
    ones = np.ones(y.size)
    products = (ones, y, x_a, x_b, y * x_a, y * x_b, x_a * x_b)
    group = groups_of(np.array(labels)[used])
    slope, interval = jackknife(group_sums(group, *products), _slope, _ESTIMAND)
    seen, around = jackknife(group_sums(group, ones, y, x, x, y * x, y * x, x * x), _slope, _AS_SEEN)
    return Gibrat(slope, interval, seen, around, int(used.sum()), int((later == 0).sum()))


def _slope(sums: Floats) -> float:
    number, y, a, b, ya, yb, ab = sums
    return float((ya + yb - y * (a + b) / number) / (2 * (ab - a * b / number)))
