"""What a planned sweep will be able to see, and how often it is worth repeating a prompt."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from geo_flywheel.errors import EstimateError, NotIdentified
from geo_flywheel.estimate.components import ANSWER, variance_components

CONFIDENCE, POWER = 1.96, 0.84
FEWEST_PROMPTS, FEWEST_SWEEPS = 10, 2
FEWEST_REPEATS = 4


def detectable_change(
    rate: float,
    prompts: int,
    repeats: int,
    *,
    prompt_variance: float,
    correlation: float,
    answer_variance: float | None = None,
) -> float:
    """Return the smallest change of a rate between two sweeps that is found four times in five.

    Args:
        rate: Share of answers that cite the site, in [0, 1].
        prompts: Prompts of the basket, the same in both sweeps.
        repeats: Answers to each in one sweep.
        prompt_variance: Variance of the rates of prompts within a sweep.
        correlation: Correlation of a prompt's rate from one sweep to the other, in [0, 1].
        answer_variance: Variance of one answer of a prompt; rate (1 - rate) if not known, which is the most it can be.

    Returns:
        Change of the share of answers, in [0, 1] unless the sweep is so small that it sees none.

    Raises:
        EstimateError: If a number is out of its range.

    Source:
        Two-sided test at .05 with power .8: (1.96 + .84) sqrt(2 [s2_q (1 - r) / K + v / (K m)]).
    """
    if prompts < 1 or repeats < 1 or not 0 <= rate <= 1 or not 0 <= correlation <= 1 or prompt_variance < 0:
        raise EstimateError(
            f"a rate of {rate} over {prompts} prompts with {repeats} repeats, variance {prompt_variance} and"
            f" correlation {correlation} is no plan; rates and correlations lie in [0, 1], the rest is positive"
        )
    answer = rate * (1 - rate) if answer_variance is None else answer_variance
    of_prompts = prompt_variance * (1 - correlation) / prompts
    return (CONFIDENCE + POWER) * float(np.sqrt(2 * (of_prompts + answer / (prompts * repeats))))


def repeats_needed(answer_variance: float, prompt_variance: float, cost_of_prompt: float = 1.0) -> int:
    """Return how often to repeat a prompt so that a sum of money tells most.

    Args:
        answer_variance: Variance of one answer of a prompt.
        prompt_variance: Variance of what asking another prompt would change.
        cost_of_prompt: Cost of one more prompt over that of one more repeat.

    Returns:
        An even number, at least 4, so that repeats can be told from chance.

    Raises:
        EstimateError: If a variance or the cost is not positive.

    Source:
        Cochran (1977), Sampling Techniques, eq. 10.26, the optimum of two stages.
    """
    if answer_variance < 0 or prompt_variance <= 0 or cost_of_prompt <= 0:
        raise EstimateError(
            "repeats are weighed by variances and a cost above 0; without a variance of prompts, repeat"
        )
    best = float(np.sqrt(cost_of_prompt * answer_variance / prompt_variance))
    return max(FEWEST_REPEATS, 2 * int(np.ceil(best / 2 - 1e-9)))


@dataclass(frozen=True, slots=True)
class Prompts:
    """How prompts answer about a site: what decides what a sweep can see.

    Attributes:
        rate: Share of answers that cite it.
        prompt_variance: Variance of the rates of prompts within a sweep.
        correlation: Of a prompt's rate from one sweep to the next.
        answer_variance: Variance of one answer of a prompt.
        seen: Whether all that was seen; otherwise it is assumed.
    """

    rate: float
    prompt_variance: float
    correlation: float
    answer_variance: float
    seen: bool

    def change(self, prompts: int, repeats: int) -> float:
        """Return the smallest change of the rate that is found four times in five by two sweeps of this size."""
        return detectable_change(
            self.rate,
            prompts,
            repeats,
            prompt_variance=self.prompt_variance,
            correlation=self.correlation,
            answer_variance=self.answer_variance,
        )


ASSUMED = Prompts(0.1, 0.02, 0.8, 0.09, seen=False)
"""A site cited in a tenth of the answers, by prompts that differ by an sd of .14 and keep four fifths of that."""


def prompts_seen(cited: ArrayLike, asked: ArrayLike, prompt: ArrayLike, sweep: ArrayLike) -> Prompts:
    """Return how prompts answered in the sweeps there were.

    Args:
        cited: Answers that cite the site, one cell per prompt and sweep, shape (cell,).
        asked: Answers, same shape.
        prompt: Prompt of each cell, same shape.
        sweep: Sweep of each cell, same shape.

    Raises:
        NotIdentified: If fewer than 10 prompts were asked twice in two sweeps, or nothing cites the site.
    """
    hits, asks = np.asarray(cited, np.float64), np.asarray(asked, np.float64)
    twice = asks > 1
    prompts, sweeps = (np.unique(np.asarray(labels)[twice]).size for labels in (prompt, sweep))
    if prompts < FEWEST_PROMPTS or sweeps < FEWEST_SWEEPS or not hits.any():
        raise NotIdentified(f"needs {FEWEST_PROMPTS} prompts repeated in {FEWEST_SWEEPS} sweeps, and a citation")
    found = variance_components(hits, asks, {"prompt": prompt, "sweep": sweep})
    lasting, passing = (max(found[name], 0.0) for name in ("prompt", "prompt x sweep"))
    within = lasting + passing
    rate = float(hits.sum() / asks.sum())
    return Prompts(rate, within, lasting / within if within else 1.0, found[ANSWER], seen=True)
