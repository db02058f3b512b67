"""Two steps of linear GMM on differenced rows of units, their covariances and tests."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Differenced:
    """Differenced rows, sorted by unit and period.

    Attributes:
        names: Of the columns of explanatory.
        outcome: Shape (row,).
        explanatory: Shape (row, column).
        instruments: Shape (row, instrument).
        unit: Code of the unit, ascending without gaps from 0, shape (row,).
        period: Number of the period, same shape.
    """

    names: tuple[str, ...]
    outcome: Floats
    explanatory: Floats
    instruments: Floats
    unit: Numbers
    period: Numbers

    def by_unit(self, columns: Floats) -> Floats:
        """Sum rows by unit, shape (unit, column)."""
        starts = np.flatnonzero(np.diff(self.unit, prepend=-1))
        sums: Floats = np.add.reduceat(columns, starts, axis=0)
        return sums

    def earlier(self, values: Floats, periods: int) -> Floats:
        """Return each row's value so many periods before, 0 where that row is not there, shape (row,)."""
        wide = np.zeros((int(self.unit[-1]) + 1, int(self.period.max()) + 1 + periods))
        wide[self.unit, self.period + periods] = values
        return wide[self.unit, self.period]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of GMM.

    Attributes:
        coefficients: Shape (column,).
        weights: Weights of the moments, shape (instrument, instrument).
        bread: Inverse of X'Z W Z'X, shape (column, column).
        residuals: Of the differenced rows, shape (row,).
        robust: Covariance of the coefficients that holds whatever the errors of a unit look like.
        plain: Covariance that takes the weights at their word.
        overidentification: Distance of the moments from 0: Sargan's after the first step, Hansen's after the second.
    """

    coefficients: Floats
    weights: Floats
    bread: Floats
    residuals: Floats
    robust: Floats
    plain: Floats
    overidentification: float


def first_step(data: Differenced) -> Step:
    """Weight moments as if errors in levels were independent and alike: 2 on the diagonal, -1 beside it."""
    z = data.instruments
    next_to = np.flatnonzero((np.diff(data.unit) == 0) & (np.diff(data.period) == 1))
    beside = z[next_to].T @ z[next_to + 1]
    weights = _inverse(2 * z.T @ z - beside - beside.T)
    coefficients, bread, residuals = _solved(data, weights)
    scores = data.by_unit(z * residuals[:, None])
    half = bread @ (data.explanatory.T @ z) @ weights
    robust = half @ (scores.T @ scores) @ half.T
    variance = float(residuals @ residuals) / 2 / (len(residuals) - len(coefficients))
    moments = z.T @ residuals
    return Step(coefficients, weights, bread, residuals, robust, variance * bread,
                float(moments @ weights @ moments) / variance)  # fmt: skip


def second_step(data: Differenced, first: Step) -> Step:
    """Weight moments by the first step's residuals, with Windmeijer's correction for that they are estimates."""
    z, x = data.instruments, data.explanatory
    scores = data.by_unit(z * first.residuals[:, None])
    weights = _inverse(scores.T @ scores)
    coefficients, bread, residuals = _solved(data, weights)
    moments = weights @ (z.T @ residuals)
    half = bread @ (x.T @ z) @ weights
    tilt = np.empty_like(bread)
    for column, changed in enumerate(x.T):
        moved = data.by_unit(z * changed[:, None]).T @ scores
        tilt[:, column] = half @ (moved + moved.T) @ moments
    robust = bread + tilt @ bread + bread @ tilt.T + tilt @ first.robust @ tilt.T
    overidentification = float((z.T @ residuals) @ moments)
    return Step(coefficients, weights, bread, residuals, robust, bread, overidentification)


def serial_correlation(data: Differenced, step: Step, order: int) -> float:
    """Return Arellano and Bond's statistic for autocorrelation of an order in the differenced residuals.

    Returns:
        Standard normal without autocorrelation; NaN where no unit has residuals so far apart.

    Source:
        Arellano and Bond (1991), eqs. 8-9, with the robust covariance of the coefficients.
    """
    lagged = data.earlier(step.residuals, order)
    if not lagged.any():
        return float("nan")
    products = data.by_unit((lagged * step.residuals)[:, None])[:, 0]
    slopes = lagged @ data.explanatory
    scores = data.by_unit(data.instruments * step.residuals[:, None])
    half = step.bread @ (data.explanatory.T @ data.instruments) @ step.weights
    variance = float(products @ products - 2 * slopes @ half @ (scores.T @ products) + slopes @ step.robust @ slopes)
    return float(products.sum()) / sqrt(variance) if variance > 0 else float("nan")


def _inverse(products: Floats) -> Floats:
    """Moore and Penrose's: there may be more moments than units."""
    return np.asarray(np.linalg.pinv(products, hermitian=True), dtype=np.float64)


def _solved(data: Differenced, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Coefficients, the inverse of X'Z W Z'X, and residuals."""
    cross = data.explanatory.T @ data.instruments @ weights
    bread: Floats = np.asarray(np.linalg.inv(cross @ (data.instruments.T @ data.explanatory)), dtype=np.float64)
    coefficients = bread @ (cross @ (data.instruments.T @ data.outcome))
    return coefficients, bread, data.outcome - data.explanatory @ coefficients
