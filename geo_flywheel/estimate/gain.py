"""What a transition matrix says of the loop: how much of a push returns, when, and through which stage.

All functions are batched: matrices have shape (draw, to, from), states in the order presence, citation, engagement.
With F the row of presence without its own persistence (what re-enters presence) and T the rest:

    gain G = F (I - T)^-1 e_p        share of the return after k periods g_k = F T^(k-1) e_p
    revolution time = sum_k k g_k / G = F (I - T)^-2 e_p / G

Source: type reproduction number, Roberts and Heesterbeek (2003), Proc. R. Soc. B 270, 1359-1364.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STAGES = (("presence", "citation", 1, 0), ("citation", "engagement", 2, 1), ("engagement", "presence", 0, 2))
"""From, to, row and column of the three arrows of the loop."""


def gain(matrices: Floats) -> Floats:
    """Return what comes back of one unit of presence, shape (draw,); infinite where T itself does not die out."""
    back, staying = _split(matrices)
    returned = (back * _solved(staying, 1)).sum(axis=-1)
    gains: Floats = np.where(_dies_out(staying), returned, np.inf)
    return gains


def one_pass(matrices: Floats) -> Floats:
    """Return the product of the three stages, which leaves out that each state persists."""
    product: Floats = matrices[:, 1, 0] * matrices[:, 2, 1] * matrices[:, 0, 2]
    return product


def revolution_time(matrices: Floats) -> Floats:
    """Return the mean number of periods until what comes back has come; NaN where nothing comes back."""
    back, staying = _split(matrices)
    returned = (back * _solved(staying, 1)).sum(axis=-1)
    delayed = (back * _solved(staying, 2)).sum(axis=-1)
    times: Floats = np.full_like(returned, np.nan)
    np.divide(delayed, returned, out=times, where=_dies_out(staying) & (returned > 0))
    return times


def returned(matrices: Floats, periods: int) -> Floats:
    """Return what comes back after 1, 2, ... periods, shape (draw, period)."""
    back, staying = _split(matrices)
    reached = np.zeros((len(matrices), 3))
    reached[:, 0] = 1
    shares = np.empty((len(matrices), periods))
    for period in range(periods):
        shares[:, period] = (back * reached).sum(axis=-1)
        reached = (staying @ reached[..., None])[..., 0]
    return shares


def stage_gains(matrices: Floats) -> Floats:
    """Return what a lasting unit of each arrow's source adds to its target in the long run, shape (draw, stage)."""
    return np.stack([matrices[:, to, of] / (1 - matrices[:, to, to]) for _, _, to, of in STAGES], axis=1)


def elasticities(matrix: Floats) -> Floats:
    """Return d ln G / d ln a of every cell of one matrix, shape (to, from), by the derivative of the resolvent."""
    back, staying = (part[0] for part in _split(matrix[None]))
    resolvent = np.linalg.inv(np.eye(3) - staying)
    reached, worth = resolvent[:, 0], back @ resolvent
    total = float(back @ reached)
    slopes = np.outer(worth, reached)
    slopes[0, 1:] = reached[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total != 0, matrix * slopes / total, np.nan)


def responses(matrices: Floats, covariances: Floats, periods: int) -> Floats:
    """Return generalised impulse responses, shape (draw, period from 0, response, shock).

    Source:
        Pesaran and Shin (1998), Economics Letters 58, 17-29: A^h Sigma e_j / sqrt(Sigma_jj). A variance that the
        products of halves put at or below 0 gives NaN.
    """
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    scales = np.sqrt(np.where(variances > 0, variances, np.nan))
    paths = [covariances / scales[:, None]]
    for _ in range(periods - 1):
        paths.append(matrices @ paths[-1])
    return np.stack(paths, axis=1)


def half_life(radius: Floats) -> Floats:
    """Return the periods until half of a gap is gone; infinite from a radius of 1 up."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(radius < 1, np.log(0.5) / np.log(radius), np.inf)


def _split(matrices: Floats) -> tuple[Floats, Floats]:
    back = matrices[:, 0].copy()
    back[:, 0] = 0
    staying = matrices.copy()
    staying[:, 0, 1:] = 0
    return back, staying


def _solved(staying: Floats, times: int) -> Floats:
    left = np.eye(3) - staying
    reached: Floats = np.zeros((len(staying), 3, 1))
    reached[:, 0] = 1
    singular = np.abs(np.linalg.det(left)) < np.finfo(float).tiny
    left[singular] = np.nan
    for _ in range(times):
        reached = np.asarray(np.linalg.solve(left, reached), dtype=np.float64)
    return reached[..., 0]


def _dies_out(staying: Floats) -> NDArray[np.bool_]:
    """T is block triangular: presence alone, and citations with engagement."""
    lower = staying[:, 1:, 1:]
    trace, volume = np.trace(lower, axis1=1, axis2=2), np.linalg.det(lower)
    inside = (np.abs(volume) < 1) & (np.abs(trace) < 1 + volume)
    dies: NDArray[np.bool_] = inside & (np.abs(staying[:, 0, 0]) < 1)
    return dies
