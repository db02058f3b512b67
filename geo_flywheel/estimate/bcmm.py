"""A vector autoregression of a short panel, corrected for what taking out page means does to it.

Taking a page's mean out of its own lags makes lags and innovations correlate: E[sum_t x[t-1] e[t]'] = -C with

    C = sum_d lags(d) A^(d-1) M(A),    M(A) = yy - A xy - xy' A' + A xx A'

which is exact for any number of weeks, with lags(d) = (n - d) / (n (n - 1)). A is the root of xx A' = xy + C' that is
reached from the uncorrected estimate as the correction is turned on. Near a unit root that root can vanish: then there
is none, which is told and never replaced by a number.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.estimate.moments import Moments

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LOOP = np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1]], dtype=bool)
"""Cells, shape (to, from), of a loop presence -> citation -> engagement -> presence that persists."""

EVERY = np.ones((3, 3), dtype=bool)

_WAY = np.linspace(0.2, 1.0, 9)
_DAMPING = 0.5
_SETTLED = 1e-8
_EXPLODED = 1.06
_OUTSIDE = 40
_MOST_TURNS = 600


class Roots(NamedTuple):
    """Transition matrices.

    Attributes:
        matrices: Shape (draw, to, from); where no root was found, the last that was tried.
        found: Whether there is a root, shape (draw,).
    """

    matrices: Floats
    found: Bools


def uncorrected(moments: Moments, mask: Bools = LOOP) -> Floats:
    """Return least-squares transition matrices, shape (draw, to, from)."""
    return _regressed(_inverses(moments.xx.sum(axis=1), mask), moments.xy.sum(axis=1))


def corrected(moments: Moments, mask: Bools = LOOP) -> Roots:
    """Return the bias-corrected transition matrices.

    Args:
        moments: One set for each draw, divided by their weight.
        mask: Cells that may differ from 0, shape (to, from).

    Source:
        Finite-T bias of least squares with dummies: Bun and Carree (2005), JBES 23, 200-210. Differs: several
        equations, half-sample products, masked cells, weeks with gaps; the root is followed from a fifth of the
        correction to all of it in 9 steps, then damped by one half until nothing moves by more than 1e-8.
    """
    inverses, cross = _inverses(moments.xx.sum(axis=1), mask), moments.xy.sum(axis=1)
    found = np.zeros(len(cross), dtype=bool)
    matrices = _regressed(inverses, cross)
    running = np.arange(len(cross))
    now, correction, outside = matrices.copy(), np.zeros_like(cross), np.zeros(len(cross), dtype=np.int64)
    parts = (moments.xx, moments.xy, moments.yy)
    for turn in range(_MOST_TURNS):
        share = _WAY[turn] if turn < len(_WAY) else 1.0
        before, now = now, _regressed(inverses, cross + share * correction)
        now, exploded = _held(now)
        correction = _DAMPING * correction + (1 - _DAMPING) * _correction(now, *parts, moments.lags)
        if turn <= len(_WAY):
            continue
        outside = np.where(exploded, outside + 1, 0)
        settled = (np.abs(now - before).max(axis=(1, 2)) < _SETTLED) & ~exploded
        over = settled | (outside > _OUTSIDE)
        if over.any():
            matrices[running[over]], found[running[over]] = now[over], settled[over]
            running, now, correction, outside, inverses, cross = (
                part[~over] for part in (running, now, correction, outside, inverses, cross)
            )
            parts = (parts[0][~over], parts[1][~over], parts[2][~over])
        if not len(running):
            break
    matrices[running] = now
    return Roots(matrices, found)


def nickell_bias(persistence: float, periods: int) -> float:
    """Return what least squares with page effects gets wrong by in one autoregression, as the number of pages grows.

    Args:
        persistence: True coefficient of the lagged value, within (-1, 1).
        periods: Pairs of periods of each page, at least 2.

    Source:
        Nickell (1981), Econometrica 49, 1417-1426, eq. 18.
    """
    kept = 1 - (1 - persistence**periods) / (periods * (1 - persistence))
    slack = 1 - 2 * persistence * kept / ((1 - persistence) * (periods - 1))
    return -(1 + persistence) / (periods - 1) * kept / slack


def spectral_radius(matrices: Floats) -> Floats:
    """Return the largest modulus of an eigenvalue, shape (draw,)."""
    radius: Floats = np.abs(np.linalg.eigvals(matrices)).max(axis=-1)
    return radius


def innovations(matrices: Floats, moments: Moments) -> Floats:
    """Return the covariance of the innovations of drawn moments, shape (draw, 3, 3)."""
    rest = _residual(matrices[:, None], moments.xx, moments.xy, moments.yy).sum(axis=1)
    covariance: Floats = rest / moments.freedom[:, None, None]
    return covariance


def _inverses(xx: Floats, mask: Bools) -> Floats:
    """For each row of the matrix the inverse of the moments of its regressors, 0 elsewhere: (draw, to, 3, 3)."""
    inverses = np.zeros((len(xx), 3, 3, 3))
    for row in range(3):
        cells = np.flatnonzero(mask[row])
        inverses[:, row, cells[:, None], cells] = np.linalg.inv(xx[:, cells[:, None], cells])
    return inverses


def _regressed(inverses: Floats, cross: Floats) -> Floats:
    regressed: Floats = (inverses @ cross.transpose(0, 2, 1)[..., None])[..., 0]
    return regressed


def _held(matrices: Floats) -> tuple[Floats, Bools]:
    """Matrices with a spectral radius of at most 1.06, and which were above it."""
    power = matrices
    for _ in range(4):
        power = power @ power
    exploded = (power**2).sum(axis=(1, 2)) >= _EXPLODED**32  # the norm of a power bounds the radius from above
    if exploded.any():
        radius = spectral_radius(matrices[exploded])
        exploded[exploded] = radius > _EXPLODED
        matrices = matrices.copy()
        matrices[exploded] *= (_EXPLODED / radius[radius > _EXPLODED])[:, None, None]
    return matrices, exploded


def _residual(matrices: Floats, xx: Floats, xy: Floats, yy: Floats) -> Floats:
    turned = matrices.swapaxes(-1, -2)
    explained = matrices @ xy
    rest: Floats = yy - explained - explained.swapaxes(-1, -2) + matrices @ xx @ turned
    return rest


def _correction(matrices: Floats, xx: Floats, xy: Floats, yy: Floats, lags: Floats) -> Floats:
    rest = _residual(matrices[:, None], xx, xy, yy)
    shares = (_powers(matrices, lags.shape[1]) @ lags.T).transpose(1, 0, 2)[..., None, None]  # (3, draw, block, 1, 1)
    kernels = shares[1] * matrices[:, None] + shares[2] * (matrices @ matrices)[:, None]
    kernels[..., range(3), range(3)] += shares[0, ..., 0]
    correction: Floats = (kernels @ rest).sum(axis=1)
    return correction


def _powers(matrices: Floats, count: int) -> Floats:
    """Coefficients of I, A and A^2 in the powers of A from 0, shape (draw, 3, power).

    By Cayley and Hamilton the coefficients of the next power are those of this one times a companion matrix, so that
    twice as many powers take one product with its power.
    """
    companion = np.zeros_like(matrices)
    companion[:, 1, 0] = companion[:, 2, 1] = 1
    companion[:, 2, 2] = trace = np.trace(matrices, axis1=1, axis2=2)
    companion[:, 1, 2] = ((matrices * matrices.transpose(0, 2, 1)).sum(axis=(1, 2)) - trace**2) / 2
    companion[:, 0, 2] = np.linalg.det(matrices)
    powers = np.zeros((len(matrices), 3, count))
    powers[:, 0, 0] = 1
    known = 1
    while known < count:
        more = min(known, count - known)
        powers[..., known : known + more] = companion @ powers[..., :more]
        companion, known = companion @ companion, known + more
    return powers
