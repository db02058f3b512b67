"""Dynamic panels in differences: how much of an outcome carries over, when units differ for good and periods are few.

Differencing takes the units' own levels out and makes the lagged outcome correlate with the error; older levels of the
outcome are then instruments. It is the second opinion beside the loop gain, and a tool for any panel.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from geo_flywheel.errors import EstimateError, NotIdentified
from geo_flywheel.estimate.difference import Differenced, Floats, Step, first_step, second_step, serial_correlation

_STEPS = (1, 2)
_FEWEST_PERIODS = 3


@dataclass(frozen=True, slots=True, eq=False)
class DynamicPanel:
    """What a difference GMM gives.

    Attributes:
        names: `L1.outcome` and further lags, the exogenous columns, then `time.T` for each differenced period.
        coefficients: In the order of names.
        standard_errors: Robust to heteroskedasticity and to correlation within units; after two steps with
            Windmeijer's correction.
        m1: Test of first-order autocorrelation of the differenced residuals, standard normal; large by construction.
        m2: The same of second order, which must not be there.
        sargan: Overidentification statistic of the first step, chi squared if errors are alike and independent.
        hansen: That of the second step, robust to heteroskedasticity.
        degrees: Degrees of freedom of both.
        uncorrected_errors: Standard errors without Windmeijer's correction (two steps), or as if errors were alike and
            independent (one step).
        observations: Differenced rows used.
        units: Units that they belong to.
        instruments: Columns of instruments.
    """

    names: tuple[str, ...]
    coefficients: Floats
    standard_errors: Floats
    m1: float
    m2: float
    sargan: float
    hansen: float
    degrees: int
    uncorrected_errors: Floats
    observations: int
    units: int
    instruments: int

    @property
    def hansen_p(self) -> float:
        """Probability of so large a Hansen statistic when the instruments are valid; NaN without a spare one."""
        return float(chi2.sf(self.hansen, self.degrees)) if self.degrees > 0 else float("nan")


def difference_gmm(  # noqa: PLR0913
    frame: pd.DataFrame,
    *,
    unit: str,
    time: str,
    outcome: str,
    outcome_lags: int | Iterable[int],
    exogenous: Sequence[str] = (),
    steps: int = 1,
    time_effects: bool = True,
) -> DynamicPanel:
    """Estimate a dynamic panel by Arellano and Bond's generalised method of moments.

    Args:
        frame: One row per unit and period; periods may be missing, and so may values.
        unit: Column of the unit.
        time: Column of the period: numbers in equal steps (the smallest is one period), or anything that sorts.
        outcome: Column of the outcome.
        outcome_lags: n for lags 1 to n, or the lags themselves.
        exogenous: Columns that enter as they are, in differences, and are their own instruments; lags of them are
            columns that the caller makes.
        steps: 1, or 2 for the efficient weights.
        time_effects: Whether each period has an effect of its own.

    Returns:
        Coefficients and tests. Instruments of each differenced period are all levels of the outcome from two periods
        back (0 where one is missing).

    Raises:
        EstimateError: If a column is absent or not numeric, a row comes twice, or nothing is left after differencing.
        NotIdentified: If a column does not vary over time beyond the others.

    Source:
        Arellano and Bond (1991), Review of Economic Studies 58, 277-297; two-step errors: Windmeijer (2005), Journal of
        Econometrics 126, 25-51. No correction for small samples. Singular weights are inverted in the sense of Moore
        and Penrose.
    """
    if steps not in _STEPS:
        raise EstimateError(f"{steps} steps: give 1 or 2")
    lags = _lags(outcome_lags)
    cube = _cube(frame, unit, time, [outcome, *exogenous])
    data = _differenced(cube, lags, [*(f"L{lag}.{outcome}" for lag in lags), *exogenous], time_effects=time_effects)
    first = first_step(data)
    second = second_step(data, first)
    step: Step = first if steps == 1 else second
    return DynamicPanel(
        data.names, step.coefficients, np.sqrt(np.diag(step.robust)), serial_correlation(data, step, 1),
        serial_correlation(data, step, 2), first.overidentification, second.overidentification,
        data.instruments.shape[1] - len(data.names), np.sqrt(np.diag(step.plain)), len(data.outcome),
        int(data.unit[-1]) + 1, data.instruments.shape[1],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Cube:
    """Values, shape (unit, period, column); NaN where nothing is known. The first column is the outcome."""

    seen: Floats
    periods: Sequence[object]


def _lags(given: int | Iterable[int]) -> list[int]:
    lags = list(range(1, given + 1)) if isinstance(given, int | np.integer) else sorted(set(given))
    if not lags or lags[0] < 1:
        raise EstimateError(f"outcome_lags {given!r}: give a number of lags from 1 up, or the lags themselves")
    return lags


def _cube(frame: pd.DataFrame, unit: str, time: str, columns: list[str]) -> _Cube:
    absent = [name for name in (unit, time, *columns) if name not in frame]
    if absent:
        raise EstimateError(f"no column {', '.join(absent)} in the frame; it has {', '.join(map(str, frame.columns))}")
    text = [name for name in columns if not pd.api.types.is_numeric_dtype(frame[name])]
    if text:
        raise EstimateError(f"column {', '.join(text)} is not numeric; write numbers, and nothing where none is known")
    rows = frame[frame[unit].notna() & frame[time].notna()]
    if rows.duplicated([unit, time]).any():
        twice = rows[rows.duplicated([unit, time])].iloc[0]
        raise EstimateError(f"two rows are for {twice[unit]} in {twice[time]}; keep one")
    place, periods = _periods(rows[time])
    units, code = np.unique(pd.factorize(rows[unit])[0], return_inverse=True)
    values = np.full((len(units), len(periods), len(columns)), np.nan)
    values[code, place] = rows[columns].to_numpy(dtype="float64", na_value=np.nan)
    return _Cube(values, periods)


def _periods(given: "pd.Series[float]") -> tuple[NDArray[np.int64], list[object]]:
    """Number of each row's period, and the periods in between that nobody has too where they are numbers."""
    found = np.sort(given.unique())
    whole = pd.api.types.is_numeric_dtype(given) and (found == np.floor(found)).all()
    if not whole or len(found) < _FEWEST_PERIODS - 1:
        return np.searchsorted(found, given.to_numpy()).astype(np.int64), list(found)
    start, step = int(found[0]), int(np.gcd.reduce(np.diff(found).astype(np.int64)))
    periods = list(range(start, int(found[-1]) + 1, step))
    return ((given.to_numpy().astype(np.int64) - start) // step), list(periods)


def _differenced(cube: _Cube, lags: list[int], names: list[str], *, time_effects: bool) -> Differenced:
    levels = cube.seen[:, :, 0]
    changes = np.diff(cube.seen, axis=1, prepend=np.nan)
    regressors = [_back(changes[:, :, 0], lag) for lag in lags]
    regressors += [changes[:, :, column] for column in range(1, cube.seen.shape[2])]
    stacked = np.stack([changes[:, :, 0], *regressors], axis=2)
    unit, period = np.nonzero(np.isfinite(stacked).all(axis=2))
    if not len(unit):
        raise EstimateError(
            f"no unit has the {max(lags) + 2} adjacent periods that differences and lags need; give a longer panel"
        )
    rows = stacked[unit, period]
    effects = (period[:, None] == np.unique(period)).astype(np.float64) if time_effects else np.zeros((len(unit), 0))
    explanatory = np.concatenate([rows[:, 1:], effects], axis=1)
    names = [*names, *(f"time.{cube.periods[one]}" for one in np.unique(period) if time_effects)]
    _must_differ(explanatory, names)
    own = explanatory[:, len(lags) :]
    instruments = np.concatenate([_older_levels(levels, unit, period), own], axis=1)
    _, unit = np.unique(unit, return_inverse=True)
    return Differenced(tuple(names), rows[:, 0], explanatory, instruments, unit.astype(np.int64), period)


def _back(values: Floats, lag: int) -> Floats:
    shifted = np.full_like(values, np.nan)
    shifted[:, lag:] = values[:, :-lag]
    return shifted


def _older_levels(levels: Floats, unit: NDArray[np.int64], period: NDArray[np.int64]) -> Floats:
    """Levels from two periods back, a column for each period and each older one; 0 where missing."""
    columns = []
    for now in np.unique(period):
        rows = period == now
        block = np.zeros((len(unit), max(now - 1, 0)))
        block[rows] = np.nan_to_num(levels[unit[rows], : max(now - 1, 0)])
        columns.append(block[:, block.any(axis=0)])
    return np.concatenate(columns, axis=1)


def _must_differ(explanatory: Floats, names: list[str]) -> None:
    """Refuse columns that the ones before them already span."""
    scales = np.sqrt((explanatory**2).sum(axis=0))
    flat = [name for name, scale in zip(names, scales, strict=True) if scale == 0]
    if not flat:
        diagonal = np.abs(np.diag(np.linalg.qr(explanatory / scales, mode="r")))
        flat = [name for name, left in zip(names, diagonal, strict=True) if left < 1e-9]  # noqa: PLR2004
    if flat:
        raise NotIdentified(
            f"{', '.join(flat)} does not change over time beyond the other columns; leave it out, or the time effects"
        )
