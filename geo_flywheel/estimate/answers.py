"""Counts of answers, cited beside asked, checked once before anything is estimated from them."""

from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo_flywheel.errors import EstimateError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_SHAPES = (1, 2)


class Sweep(NamedTuple):
    """One sweep of a basket; two sweeps that are compared list the same prompts in the same order.

    Attributes:
        cited: Answers that cite the site, shape (prompt,).
        asked: Answers, same shape; 0 where the prompt was not asked.
    """

    cited: ArrayLike
    asked: ArrayLike


@dataclass(frozen=True, slots=True)
class Answers:
    """Counts of answers that passed `checked`.

    Attributes:
        cited: Answers that cite the site, shape (prompt, sweep).
        asked: Answers, same shape.
        digest: sha256 of the counts as they were given.
    """

    cited: Floats
    asked: Floats
    digest: str

    @property
    def total(self) -> float:
        """Number of answers."""
        return float(self.asked.sum())

    @property
    def rate(self) -> float:
        """Share of the answers that cite."""
        return float(self.cited.sum()) / self.total

    @property
    def independent_variance(self) -> float:
        """Variance of the rate if no answer resembled another."""
        return self.rate * (1 - self.rate) / self.total

    @property
    def influence(self) -> Floats:
        """What each cell adds to the error of the rate, shape (prompt, sweep); 0 in all."""
        return (self.cited - self.rate * self.asked) / self.total

    def where(self, prompts: Bools, sweeps: Bools) -> "Answers":
        """Keep some prompts and some sweeps."""
        return Answers(self.cited[prompts][:, sweeps], self.asked[prompts][:, sweeps], self.digest)


def checked(cited: ArrayLike, asked: ArrayLike) -> Answers:
    """Take counts, shape (prompt, sweep) or (prompt,) for one sweep, at their word if they can be true.

    Raises:
        EstimateError: If they are no counts, differ in shape, or cite more often than asked.
    """
    hits, asks = _whole_numbers(cited, "cited"), _whole_numbers(asked, "asked")
    if hits.shape != asks.shape:
        raise EstimateError(
            f"cited has shape {hits.shape}, asked {asks.shape}: give both for the same prompts and sweeps"
        )
    if (hits > asks).any():
        prompt, sweep = np.argwhere(hits > asks)[0]
        counts = f"cited in {hits[prompt, sweep]:.0f} of {asks[prompt, sweep]:.0f} answers"
        raise EstimateError(
            f"prompt {prompt} of sweep {sweep} is {counts}: count an answer once, however often it cites"
        )
    return Answers(hits, asks, sha256(repr(asks.shape).encode() + hits.tobytes() + asks.tobytes()).hexdigest())


def asked_at_all(cited: ArrayLike, asked: ArrayLike) -> Answers:
    """Check the counts and leave out the prompts and the sweeps without any answer."""
    answers = checked(cited, asked)
    return answers.where(answers.asked.sum(axis=1) > 0, answers.asked.sum(axis=0) > 0)


def one_sweep(cited: ArrayLike, asked: ArrayLike) -> Answers:
    """Check the counts of one sweep, shape (prompt,), and leave out the prompts without any answer."""
    answers = _column(cited, asked)
    return answers.where(answers.asked[:, 0] > 0, np.array([True]))


def asked_in_both(before: Sweep, after: Sweep) -> Answers:
    """Lay two sweeps side by side, shape (prompt, 2), and keep the prompts that both asked."""
    first, last = _column(*before), _column(*after)
    if first.asked.shape != last.asked.shape:
        raise EstimateError(
            f"{len(first.asked)} prompts before, {len(last.asked)} after: list the same, 0 asked where one lacks"
        )
    pairs = checked(np.hstack([first.cited, last.cited]), np.hstack([first.asked, last.asked]))
    return pairs.where(pairs.asked.min(axis=1) > 0, np.array([True, True]))


def _column(cited: ArrayLike, asked: ArrayLike) -> Answers:
    answers = checked(cited, asked)
    sweeps = answers.asked.shape[1]
    if sweeps != 1:
        raise EstimateError(f"{sweeps} sweeps where one is expected: pass one column, or all of them to over_time")
    return answers


def _whole_numbers(values: ArrayLike, name: str) -> Floats:
    try:
        counts = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise EstimateError(f"{name} is no array of numbers: give one count for each prompt and sweep") from error
    if counts.ndim not in _SHAPES:
        raise EstimateError(f"{name} has {counts.ndim} dimensions: give (prompt,) or (prompt, sweep)")
    if not (np.isfinite(counts) & (counts >= 0) & (counts == np.floor(counts))).all():
        raise EstimateError(f"{name} holds what is no count: give whole numbers of answers, 0 where nothing was asked")
    return counts if counts.ndim > 1 else counts[:, None]
