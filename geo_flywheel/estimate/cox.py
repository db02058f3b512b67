"""Proportional hazards: what makes an event come sooner, without a word on when it comes by itself."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo_flywheel.errors import EstimateError, NotConverged, NotIdentified

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_TURNS = 50
_TOLERANCE = 1e-9
_LONGEST = 5.0
_TOO_FAR = 20.0
_SINGULAR = 1e13


class Cox(NamedTuple):
    """A fitted model.

    Attributes:
        coefficients: Log hazard ratios, shape (covariate,).
        errors: Standard errors, shape (covariate,): by group where groups were given, else by the information.
        log_likelihood: Partial, at the coefficients.
        events: Number of events.
    """

    coefficients: Floats
    errors: Floats
    log_likelihood: float
    events: int


class _Spells(NamedTuple):
    """Spells by falling duration, so that whoever is at risk at a time comes first.

    Attributes:
        x: Covariates about their means, shape (spell, covariate).
        event: 1 where the spell ended in the event.
        time: Which of the different durations of all strata each has; in a stratum the longest comes first.
        stratum: Which stratum each of those durations belongs to.
        order: Where each spell was in what was given.
    """

    x: Floats
    event: Floats
    time: Whole
    stratum: Whole
    order: Whole


def cox(
    duration: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    group: ArrayLike | None = None,
) -> Cox:
    """Fit the log hazard ratios of covariates.

    Args:
        duration: Time until the event or the end of watching, shape (spell,).
        event: Whether the event came, same shape.
        covariates: Shape (spell, covariate).
        strata: Spells are compared only with those of the same, same shape as duration.
        group: Spells that share what nobody sees, same shape as duration; errors are then clustered.

    Raises:
        EstimateError: If the shapes do not fit or a number is missing.
        NotIdentified: If there is no event, a covariate does not vary, or one tells all events from all others.
        NotConverged: If Newton's method does not settle.

    Source:
        Cox (1972), ties after Efron (1977), JASA 72; clustered errors after Lin and Wei (1989), JASA 84.
    """
    spells = _sorted(duration, event, covariates, strata)
    beta, height = np.zeros(spells.x.shape[1]), _at(spells, np.zeros(spells.x.shape[1]))
    if np.linalg.cond(height.information) > _SINGULAR:
        raise NotIdentified("a covariate does not vary among those compared, or follows from others; leave it out")
    for _ in range(_TURNS):
        step = np.linalg.solve(height.information, height.score).clip(-_LONGEST, _LONGEST)
        following = _at(spells, beta + step)
        while following.log_likelihood < height.log_likelihood - _TOLERANCE and np.abs(step).max() > _TOLERANCE:
            step = step / 2
            following = _at(spells, beta + step)
        beta, height = beta + step, following
        if np.abs(beta * spells.x.std(axis=0)).max() > _TOO_FAR:
            raise NotIdentified("a covariate tells every event from every spell without; leave it out")
        if np.abs(step).max() < _TOLERANCE:
            return Cox(beta, _errors(spells, beta, height, group), height.log_likelihood, int(spells.event.sum()))
    raise NotConverged(f"hazard ratios did not settle in {_TURNS} turns; leave a covariate out")


class _Height(NamedTuple):
    """The partial likelihood and its derivatives."""

    log_likelihood: float
    score: Floats
    information: Floats


def _sorted(duration: ArrayLike, event: ArrayLike, covariates: ArrayLike, strata: ArrayLike | None) -> _Spells:
    time, came = np.asarray(duration, np.float64), np.asarray(event, np.float64)
    x = np.asarray(covariates, np.float64)
    if x.ndim != 2 or time.shape != came.shape or time.shape != x.shape[:1]:  # noqa: PLR2004 - spell by covariate
        raise EstimateError(
            f"durations {time.shape}, events {came.shape} and covariates {x.shape} are not of one length"
        )
    if not (np.isfinite(time).all() and np.isfinite(x).all() and np.isin(came, (0, 1)).all()):
        raise EstimateError("a duration or covariate is missing, or an event is neither 0 nor 1; leave such spells out")
    if not came.any() or (np.ptp(x, axis=0) == 0).any():
        raise NotIdentified("needs an event, and covariates that vary; leave out what is the same for all")
    labels = np.zeros(time.size, np.int64)
    if strata is not None:
        _, labels = np.unique(np.asarray(strata), return_inverse=True)
    order = np.lexsort((-came, -time, labels))
    pairs = np.column_stack([labels, -time])[order]
    new = np.append(True, (np.diff(pairs, axis=0) != 0).any(axis=1))
    place = np.cumsum(new) - 1
    return _Spells((x - x.mean(axis=0))[order], came[order], place, labels[order][new], order)


def _at(spells: _Spells, beta: Floats) -> _Height:
    """Sum over the times at which events came; of d that came at once, each leaves a part of them at risk (Efron)."""
    x, event, time = spells.x, spells.event, spells.time
    risk = np.exp(x @ beta)
    outer = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
    weighted = np.column_stack([risk, risk[:, None] * x, risk[:, None] * outer])
    at_risk = _running(_by_time(weighted, time), spells.stratum)[time]
    tied = _by_time(weighted * event[:, None], time)[time]
    share = _share_gone(event, time)
    rows = event > 0
    left = (at_risk - share[:, None] * tied)[rows]
    width = x.shape[1]
    means = left[:, 1 : width + 1] / left[:, :1]
    squares = (left[:, width + 1 :] / left[:, :1]).sum(axis=0).reshape(width, width)
    log_likelihood = float((x[rows] @ beta - np.log(left[:, 0])).sum())
    return _Height(log_likelihood, (x[rows] - means).sum(axis=0), squares - means.T @ means)


def _share_gone(event: Floats, time: Whole) -> Floats:
    """Of the events at one time, numbered 0, 1, 2 ..., the number of each over how many there are."""
    before = np.cumsum(event) - event
    first = np.flatnonzero(np.diff(time, prepend=-1))
    number = before - before[first][time]
    return np.asarray(number / np.maximum(np.bincount(time, event), 1)[time])


def _by_time(values: Floats, time: Whole) -> Floats:
    return np.add.reduceat(values, np.flatnonzero(np.diff(time, prepend=-1)), axis=0)


def _running(values: Floats, stratum: Whole) -> Floats:
    """Add up from the first duration of each stratum on, shape (duration, ...)."""
    sums = np.cumsum(values, axis=0)
    first = np.flatnonzero(np.diff(stratum, prepend=-1))
    lengths = np.diff(np.append(first, len(stratum)))
    return np.asarray(sums - np.repeat((sums - values)[first], lengths, axis=0))


def _errors(spells: _Spells, beta: Floats, height: _Height, group: ArrayLike | None) -> Floats:
    inverse = np.linalg.inv(height.information)
    if group is None:
        return np.asarray(np.sqrt(np.diag(inverse)))
    _, label = np.unique(np.asarray(group)[spells.order].astype(str), return_inverse=True)
    summed = np.zeros((int(label.max()) + 1, len(beta)))
    np.add.at(summed, label, _residuals(spells, beta) @ inverse)
    return np.asarray(np.sqrt((summed**2).sum(axis=0)))


def _residuals(spells: _Spells, beta: Floats) -> Floats:
    """What each spell adds to the score, its share in the risk of others taken off, shape (spell, covariate)."""
    x, event, time = spells.x, spells.event, spells.time
    risk = np.exp(x @ beta)
    weighted = np.column_stack([risk, risk[:, None] * x])
    at_risk = _running(_by_time(weighted, time), spells.stratum)[time]
    tied = _by_time(weighted * event[:, None], time)[time]
    share = _share_gone(event, time)
    left = at_risk - share[:, None] * tied
    mean = left[:, 1:] / left[:, :1]
    hazard = np.column_stack([event / left[:, 0], (event / left[:, 0])[:, None] * mean])
    gone = share[:, None] * hazard
    # whoever lasts at least as long as an event bears its hazard; of those it took along, Efron's share less
    borne = _running(_by_time(hazard, time)[::-1], spells.stratum[::-1])[::-1][time]
    spared = _by_time(gone, time)[time] * event[:, None]
    total = borne - spared
    number = np.maximum(np.bincount(time, event), 1)[time, None]
    mean = (_by_time(event[:, None] * mean, time)[time]) / number  # which of those at one time came first is not known
    return np.asarray(event[:, None] * (x - mean) - risk[:, None] * (x * total[:, :1] - total[:, 1:]))
