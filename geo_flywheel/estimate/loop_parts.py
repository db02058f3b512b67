"""What else a fitted loop says: time, persistence, stages, responses, each with its own interval."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf, isfinite, nan

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimate.bcmm import Roots, innovations, spectral_radius
from geo_flywheel.estimate.bootstrap import LEVEL, Draws
from geo_flywheel.estimate.cells import STATES
from geo_flywheel.estimate.gain import (
    STAGES,
    elasticities,
    gain,
    half_life,
    one_pass,
    responses,
    returned,
    revolution_time,
    stage_gains,
)  # fmt: skip
from geo_flywheel.estimate.moments import Moments
from geo_flywheel.estimate.verdicts import LOOPS

Floats = NDArray[np.float64]

PERIODS = 13
_SURE = 0.95


@dataclass(frozen=True, slots=True)
class Fitted:
    """Transition matrices of the estimate, of the drawn sites and of those left out.

    Attributes:
        roots: Masked to the loop.
        moments: What they were solved from.
        draws: The weights of sites.
    """

    roots: Roots
    moments: Moments
    draws: Draws

    def value(self, of: Callable[[Floats], Floats]) -> Floats:
        """Return a value of every matrix, shape (draw,); infinite where there is no root."""
        return np.where(self.roots.found, of(self.roots.matrices), inf)


def parts_of(fitted: Fitted, whole: Estimate) -> tuple[Estimate, ...]:
    """Return the further quantities of a fit, none of which claims more than the whole."""
    return (
        _part(fitted, whole, "one_pass_gain", "presence returned per presence", one_pass,
              "the product of the three stages without persistence: understates the gain"),
        _revolution(fitted, whole),
        _part(fitted, whole, "spectral_radius", "growth per period", spectral_radius,
              "the largest modulus of an eigenvalue: gaps grow above 1"),
        _duration(fitted, whole),
        _multiplier(whole),
        *_stages(fitted, whole),
        _returns(fitted, whole),
        *_responses(fitted, whole),
    )  # fmt: skip


def _part(
    fitted: Fitted, whole: Estimate, quantity: str, unit: str, of: Callable[[Floats], Floats], estimand: str
) -> Estimate:
    values = fitted.value(of)
    low, high = fitted.draws.limits(values)
    return _like(whole, quantity, unit, float(values[0]), (low, high), estimand)


def _like(
    whole: Estimate, quantity: str, unit: str, value: float, limits: tuple[float, float], estimand: str
) -> Estimate:
    """A part with the units, seed and digest of the whole: measured, unless the whole is no loop by its timing."""
    known = isfinite(value)
    timed = Verdict.MEASURED if whole.verdict is not Verdict.OTHER_ORDER else whole.verdict
    return replace(
        whole, quantity=quantity, unit=unit, value=value if known else None,
        interval=Interval(*limits, LEVEL, estimand), verdict=timed if known else Verdict.CANNOT_TELL,
        reason="" if known else "it has no finite value at the estimate", diagnostics={}, assumptions=(), parts=(),
    )  # fmt: skip


def _revolution(fitted: Fitted, whole: Estimate) -> Estimate:
    """The time has a meaning only if something returns."""
    part = _part(fitted, whole, "revolution_time", "periods", revolution_time, "mean time until a push has returned")
    if whole.interval is not None and whole.interval.low > 0:
        return part
    return replace(part, value=None, interval=None, verdict=Verdict.CANNOT_TELL, reason="nothing is known to return")


def _duration(fitted: Fitted, whole: Estimate) -> Estimate:
    """Half-life below a radius of 1, else doubling time."""
    radii = fitted.value(spectral_radius)
    low, high = fitted.draws.limits(radii)
    if radii[0] < 1:
        limits = tuple(float(half_life(np.array(limit))) for limit in (max(low, 0.0), high))
        return _like(whole, "half_life", "periods", float(half_life(radii[0])), (limits[0], limits[1]),
                     "periods until half of a gap is gone; open where the gap may not fade")  # fmt: skip
    fastest = np.log(2) / np.log(high) if isfinite(high) else 0.0
    slowest = np.log(2) / np.log(low) if low > 1 else inf
    return _like(whole, "doubling_time", "periods", float(np.log(2) / np.log(radii[0])) if radii[0] > 1 else inf,
                 (float(fastest), float(slowest)), "periods until a gap has doubled; open if it may fade")  # fmt: skip


def _multiplier(whole: Estimate) -> Estimate:
    value, limits = whole.value, whole.interval
    low, high = (limits.low, limits.high) if limits else (nan, nan)
    lasting = 1 / (1 - value) if value is not None and value < 1 else inf
    return _like(whole, "multiplier", "presence per lasting unit of presence", lasting,
                 (1 / (1 - low) if low < 1 else inf, 1 / (1 - high) if high < 1 else inf),
                 "what a lasting push of one comes to in the end; open where the gain may reach 1")  # fmt: skip


def _stages(fitted: Fitted, whole: Estimate) -> list[Estimate]:
    """The three arrows in the long run, whose product is the gain, and the weakest of them."""
    slopes = elasticities(fitted.roots.matrices[0])
    drawn = np.where(fitted.roots.found[:, None], stage_gains(fitted.roots.matrices), inf)
    parts = []
    for stage, (of, to, row, column) in enumerate(STAGES):
        part = _part(fitted, whole, f"stage_{of}_to_{to}", f"{to} per {of}", _stage(stage),
                     f"what a lasting unit of {of} adds to {to} in the long run")  # fmt: skip
        matrix = fitted.roots.matrices[0]
        parts.append(replace(part, diagnostics={
            "coefficient": float(matrix[row, column]), "elasticity_of_the_gain": float(slopes[row, column]),
            "gain_per_unit_of_coefficient": float(slopes[row, column] * (whole.value or 0) / matrix[row, column]),
            "elasticity_of_the_gain_to_persistence": float(slopes[row, row]),
        }))  # fmt: skip
    return [*parts, _bottleneck(fitted, whole, drawn)]


def _stage(number: int) -> Callable[[Floats], Floats]:
    return lambda matrices: stage_gains(matrices)[:, number]


def _bottleneck(fitted: Fitted, whole: Estimate, drawn: Floats) -> Estimate:
    """The arrow that passes on least; named only when 95% of the draws agree."""
    resampled = drawn[1 : 1 + fitted.draws.drawn]
    rooted = resampled[np.isfinite(resampled).all(axis=1)]
    weakest = int(np.argmin(drawn[0]))
    agree = float((rooted.argmin(axis=1) == weakest).mean()) if len(rooted) else 0.0
    name = " -> ".join(STAGES[weakest][:2])
    clear = agree >= _SURE and whole.verdict in LOOPS
    reason = f"{name} passes on least (in {agree:.0%} of the draws)"
    return replace(
        whole, quantity="bottleneck", unit="long-run response of the weakest stage", value=float(drawn[0, weakest]),
        interval=None, verdict=Verdict.MEASURED if clear else Verdict.CANNOT_TELL,
        reason=reason if clear else f"no stage is clearly the weakest: {reason}; 95% of a loop that is seen are needed",
        diagnostics={"stage": float(weakest), "share_of_draws": agree}, assumptions=(), parts=(),
    )  # fmt: skip


def _returns(fitted: Fitted, whole: Estimate) -> Estimate:
    """After how many periods half of the return has come, and how much came after each."""
    shares = returned(fitted.roots.matrices, PERIODS)
    part = _part(fitted, whole, "return_within_a_quarter", "share of the return",
                 lambda a: returned(a, PERIODS).sum(axis=1) / gain(a), "share of the return in 13 periods")  # fmt: skip
    return replace(part, diagnostics={f"after_{k + 1}": float(shares[0, k]) for k in range(PERIODS)})


def _responses(fitted: Fitted, whole: Estimate) -> list[Estimate]:
    """Generalised impulse responses to a shock of one standard deviation, each told where it is largest."""
    covariance = innovations(fitted.roots.matrices, fitted.moments)
    paths = responses(fitted.roots.matrices, covariance, PERIODS)
    paths[~fitted.roots.found] = inf
    parts = []
    for shock, of in enumerate(STATES):
        for response, to in enumerate(STATES):
            path = paths[:, :, response, shock]
            peak = int(np.argmax(np.abs(path[0])))
            estimand = f"{peak} periods after a shock to {of} of one standard deviation"
            part = _like(whole, f"response_of_{to}_to_{of}", "share of the page's own mean", float(path[0, peak]),
                         fitted.draws.limits(path[:, peak]), estimand)  # fmt: skip
            parts.append(replace(part, diagnostics={f"after_{k}": float(path[0, k]) for k in range(PERIODS)}))
    return parts
