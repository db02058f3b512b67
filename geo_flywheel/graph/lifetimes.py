"""Lifetimes of which it is known between which ages they ended, or only how likely each age makes what was seen."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.graph.network import Floats, Ints

_STEPS, _SETTLED = 500, 1e-6
_TINY = 1e-300


class Kinds(NamedTuple):
    """Ties that look the same put together, shape (kind,) but where said.

    Attributes:
        likelihood: As `lifetimes`, for each chance to be seen, shape (kind, age, chance).
        start: Likelihood of the citations at the chance itself, up to a factor, shape (kind, chance).
        ties: Number of ties, shape (group, kind); a group is a set of prompts.
    """

    likelihood: Floats
    start: Floats
    end: Ints
    ties: Floats


class Fit(NamedTuple):
    """Share alive at each age, shape (age,), and the share of ties with each chance to be seen, shape (chance,)."""

    alive: Floats
    mix: Floats


def lifetimes(likelihood: Floats, end: Ints, weight: Floats, band: Ints) -> Floats:
    """Return the share alive at each age, from what each tie says of when it was lost.

    Args:
        likelihood: Of what was seen of each tie if it was lost after age j - 1 and by age j, shape (tie, age), and in
            the column `end` + 1 if it was not lost by then; 0 and 1 where losses are never missed. Column 0 is not
            read, and hazards begin at age 1.
        end: Oldest age watched, shape (tie,).
        weight: Ties of each kind, same shape.
        band: Number of the hazard of each age, shape (age,); one each makes it Turnbull's curve.
    """
    kinds = Kinds(likelihood[:, :, None], np.ones((len(end), 1)), end, weight[None])
    return settle(kinds, weight, band, None).alive


def settle(kinds: Kinds, ties: Floats, band: Ints, before: Fit | None) -> Fit:
    """Return the fit that makes what was seen of the ties most likely.

    Args:
        kinds: What was seen.
        ties: Number of ties of each kind, shape (kind,); kinds without any are left out.
        band: Number of the hazard of each age, ascending by one, shape (age,).
        before: Where to begin.

    Source:
        Expectation and maximisation in the strides of Varadhan and Roland (2008), Scand. J. Statist. 35, 335-353,
        scheme S3; a stride that loses likelihood is not kept.
    """
    used = ties > 0
    step = _Step(kinds.likelihood[used], kinds.start[used], kinds.end[used], ties[used], band)
    fit = before or Fit(
        0.9 ** np.arange(len(band), dtype=np.float64), np.full(kinds.start.shape[1], 1 / kinds.start.shape[1])
    )
    point = step.point(fit)
    reached = -np.inf
    for _ in range(_STEPS):
        once, told = step(point)
        twice, _ = step(once)
        if told - reached < _SETTLED:
            return step.fit(twice)
        reached = told
        change = once - point
        bend = twice - once - change
        length = -np.sqrt((change @ change) / max(float(bend @ bend), _TINY))
        stride = step.inside(point - 2 * length * change + length**2 * bend) if length < -1 else twice
        point, reached_there = step(stride)
        if not reached_there >= told:
            point = twice
    return step.fit(point)


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of expectation and maximisation; a point is the hazard of each band, then the mixture."""

    likelihood: Floats
    start: Floats
    end: Ints
    ties: Floats
    band: Ints

    def point(self, fit: Fit) -> Floats:
        hazard = 1 - np.append(1.0, fit.alive[1:] / np.maximum(fit.alive[:-1], _TINY))
        first = np.unique(self.band, return_index=True)[1]
        return np.concatenate([hazard[first], fit.mix])

    def fit(self, point: Floats) -> Fit:
        bands = int(self.band[-1]) + 1
        hazard = point[:bands][self.band]
        hazard[0] = 0.0
        return Fit(np.asarray(np.cumprod(1 - hazard), np.float64), point[bands:])

    def inside(self, point: Floats) -> Floats:
        bands = int(self.band[-1]) + 1
        hazard, mix = np.clip(point[:bands], 0.0, 0.999), np.maximum(point[bands:], 0.0)
        return np.concatenate([hazard, mix / mix.sum()])

    def __call__(self, point: Floats) -> tuple[Floats, float]:
        """The next point, and the mean log-likelihood of this one."""
        alive, mix = self.fit(point)
        column = np.arange(self.likelihood.shape[1])
        watched = (column >= 1) & (column <= self.end[:, None])
        chance = np.where(watched, np.concatenate([[0.0], -np.diff(alive), [0.0]]), 0.0)
        chance[np.arange(len(self.end)), self.end + 1] = alive[self.end]
        own = self.start * mix
        lost = (self.likelihood @ own[:, :, None])[:, :, 0] * chance
        total = np.maximum(lost.sum(axis=1), _TINY)
        share = own * (chance[:, None, :] @ self.likelihood)[:, 0, :] / total[:, None]
        lost *= (self.ties / total)[:, None]
        mean = float(self.ties @ np.log(total)) / self.ties.sum()
        return np.concatenate([self._hazards(lost, watched), self.ties @ share / self.ties.sum()]), mean

    def _hazards(self, lost: Floats, watched: NDArray[np.bool_]) -> Floats:
        """Of each band, expected losses over ties at risk."""
        ages = len(self.band)
        later = np.cumsum(lost[:, ::-1], axis=1)[:, ::-1]
        deaths, at_risk = (np.where(watched, counts, 0.0).sum(axis=0)[:ages] for counts in (lost, later))
        deaths, at_risk = np.bincount(self.band, deaths), np.bincount(self.band, at_risk)
        return np.divide(deaths, at_risk, out=np.zeros(len(deaths)), where=at_risk > 0)
