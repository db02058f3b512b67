"""How often a site is cited, with an interval named by what it is an interval for.

The same answers carry different intervals for different questions, because different things repeat themselves:

- *this sweep, population of prompts*: which prompts were chosen is chance, so the prompt is the unit;
- *this basket, this sweep*: the prompts are fixed, only the repeats of each prompt are chance;
- *over time*: prompts and sweeps are both chance, so the variance is clustered two ways.

Every interval has Wilson's form, so that it stays inside [0, 1] and keeps a width at 0 and at 1. The number of answers
is replaced by the number of independent answers that would be as certain: rate * (1 - rate) / variance. Shares near 0
are skewed: below ten expected citations the symmetric interval of the same variance covers .53-.91, this one .93-.98.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimate.answers import Answers, Sweep, asked_at_all, asked_in_both, one_sweep
from geo_flywheel.estimate.sampling import ROUNDING, clustered, degrees_of_freedom, two_way, wilson_limits

THIS_SWEEP = "this sweep, population of prompts"
THIS_BASKET = "this basket, this sweep"
OVER_TIME = "over time"
CHANGE = "change between two sweeps, population of prompts"
POOLED_WILSON = "pooled Wilson, a baseline that takes all answers as independent"

MIN_PROMPTS = 20
MIN_REPEATS = 2
MIN_SWEEPS = 4
MIN_PAIRS = 5
LEVEL = 0.95
_UPPER = 1 - (1 - LEVEL) / 2
_PRIOR_ANSWERS = 2
_UNSEEN_PROMPT = 0.2
_SAMPLED = "The prompts are a sample of those that matter."
_COMMON_SWING = "Both sweeps asked the same way; a swing that all prompts of one sweep share is a movement."
_STEADY = "Prompts and sweeps are samples of those that matter: the rate has no trend."

Floats = NDArray[np.float64]


def this_sweep(cited: ArrayLike, asked: ArrayLike) -> Estimate:
    """Estimate the citation rate of one sweep over the population the prompts were drawn from.

    Args:
        cited: Answers that cite the site, shape (prompt,), between 0 and `asked`.
        asked: Answers, same shape; 0 marks a prompt that was not asked, which is not 0 citations.

    Returns:
        Rate in [0, 1]; without an interval below 20 prompts.

    Raises:
        EstimateError: If the counts are not counts, or cited exceeds asked.

    Source:
        Cochran (1977), Sampling Techniques, eq. 11.30, ratio to size with the prompt as cluster, t with one degree of
        freedom less than prompts; Wilson form after Korn and Graubard (1998). Differs: at rate 0 or 1 each prompt
        counts as one answer, which no correlation within prompts can make too certain.
    """
    answers = one_sweep(cited, asked)
    prompts = len(answers.asked)
    if prompts < MIN_PROMPTS:
        return _without_interval(answers, _needs(MIN_PROMPTS - prompts, "prompt"))
    variance = max(clustered(answers.influence.sum(axis=1)), answers.independent_variance)
    return _with_interval(answers, variance, prompts - 1, prompts, THIS_SWEEP, _SAMPLED)


def this_basket(cited: ArrayLike, asked: ArrayLike) -> Estimate:
    """Estimate the citation rate of one sweep over exactly the prompts that were asked.

    A basket of prompts in several engines is passed with one row for each prompt and engine.

    Args:
        cited: Answers that cite the site, shape (prompt,), between 0 and `asked`.
        asked: Answers, same shape; 0 marks a prompt that was not asked, which is not 0 citations.

    Returns:
        Rate in [0, 1], each prompt weighted by its answers; without an interval unless most prompts have 2 repeats.

    Raises:
        EstimateError: If the counts are not counts, or cited exceeds asked.

    Source:
        Cochran (1977), eq. 5.7, prompts as strata, t with answers less prompts degrees of freedom. Differs: two
        answers of the pooled variance, which is never too small, join the variance within prompts, so that prompts
        which always answer alike keep an interval; a prompt asked once has the pooled variance.
    """
    answers = one_sweep(cited, asked)
    if not _repeated(answers):
        return _without_interval(answers, f"needs {MIN_REPEATS} repeats of most prompts")
    variance, freedom = _within(answers)
    return _with_interval(answers, variance, freedom, answers.total, THIS_BASKET, "Repeats are independent answers.")


def over_time(cited: ArrayLike, asked: ArrayLike) -> Estimate:
    """Estimate the long-run citation rate over the population of prompts and of sweeps.

    Args:
        cited: Answers that cite the site, shape (prompt, sweep), between 0 and `asked`.
        asked: Answers, same shape; 0 marks a prompt that was not asked in a sweep, which is not 0 citations.

    Returns:
        Rate in [0, 1]; without an interval below 4 sweeps or 4 prompts.

    Raises:
        EstimateError: If the counts are not counts, or cited exceeds asked.

    Source:
        Cameron, Gelbach and Miller (2011), eq. 2.11: variance between prompts plus between sweeps less between answers,
        t with min(prompts, sweeps) - 1 degrees of freedom. Differs: a difference that is not positive falls back to
        the larger of the first two; a few prompts that carry the rate lower the degrees of freedom by their kurtosis;
        a fifth of the variance of one unseen prompt is added, since few prompts show too few of the rarely cited kind.
        With 4 to 8 sweeps that differ little, or 4 to 9 prompts, it covers .97-.99: wider than it need be.
    """
    answers = asked_at_all(cited, asked)
    prompts, sweeps = answers.asked.shape
    if sweeps < MIN_SWEEPS:
        return _without_interval(answers, _needs(MIN_SWEEPS - sweeps, "sweep"))
    if prompts < MIN_SWEEPS:
        return _without_interval(answers, _needs(MIN_SWEEPS - prompts, "prompt"))
    unseen = _UNSEEN_PROMPT * answers.rate * (1 - answers.rate) / prompts**2
    variance = max(two_way(answers.influence), answers.independent_variance) + unseen
    freedom = min(degrees_of_freedom(answers.influence.sum(axis=1)), sweeps - 1)
    return _with_interval(answers, variance, freedom, prompts, OVER_TIME, _STEADY)


def wilson(cited: ArrayLike, asked: ArrayLike) -> Estimate:
    """Give the interval that takes every answer as independent: a baseline to stand beside, never the answer.

    Args:
        cited: Answers that cite the site, shape (prompt,) or (prompt, sweep), between 0 and `asked`.
        asked: Answers, same shape.

    Returns:
        Rate in [0, 1]; without an interval when nothing was asked.

    Raises:
        EstimateError: If the counts are not counts, or cited exceeds asked.

    Source:
        Wilson (1927), JASA 22, 209-212.
    """
    answers = asked_at_all(cited, asked)
    if not answers.total:
        return _without_interval(answers, "")
    return _with_interval(
        answers, answers.independent_variance, np.inf, answers.total, POOLED_WILSON, "All answers are independent."
    )


def best(cited: ArrayLike, asked: ArrayLike) -> Estimate:
    """Estimate the rate of one sweep for the widest question its data carry: the population, else the basket.

    Args:
        cited: Answers that cite the site, shape (prompt,), between 0 and `asked`.
        asked: Answers, same shape; 0 marks a prompt that was not asked, which is not 0 citations.

    Returns:
        Rate in [0, 1]; without an interval, and with what either question needs, when the data carry neither.

    Raises:
        EstimateError: If the counts are not counts, or cited exceeds asked.
    """
    population = this_sweep(cited, asked)
    if population.interval is not None or population.value is None:
        return population
    basket = this_basket(cited, asked)
    if basket.interval is not None:
        return basket
    return replace(population, reason=f"{population.reason}, or {basket.reason.removeprefix('needs ')}")


def change(before: Sweep, after: Sweep, *, broken: str = "") -> Estimate:
    """Estimate how far the citation rate moved between two sweeps, and whether that is more than noise.

    Each prompt is compared with itself, so what makes prompts differ is no noise. A movement common to all prompts
    of one sweep is a movement, even if the next sweep takes it back (with swings of sd .35 on the logit scale, 18% of
    pairs of 40 prompts are called moved); `over_time` tells what lasts. Of sweeps that did not move, 5% are called
    moved.

    Args:
        before: The earlier sweep.
        after: The later sweep, the same prompts in the same order.
        broken: Why the two cannot be compared, such as another model that was served; empty if they can.

    Returns:
        Difference of rates in [-1, 1] over the prompts asked in both sweeps. The diagnostic `noise_floor` is half the
        width of the interval: movements below it are not told from none.

    Raises:
        EstimateError: If the counts are not counts, cited exceeds asked, or the sweeps differ in their prompts.

    Source:
        Mantel-Haenszel difference of rates, so that an ask that failed in one sweep moves nothing; t over the
        prompts' weighted differences. Differs: where all prompts moved alike, the floor is Wilson's upper limit of a
        share of which no prompt gave an example.
    """
    pairs = asked_in_both(before, after)
    prompts = len(pairs.asked)
    if broken or not prompts:
        return _unknown_change(pairs, Verdict.NOT_COMPARABLE, broken or "nothing says what was asked in both sweeps")
    if prompts < MIN_PAIRS:
        reason = f"{_needs(MIN_PAIRS - prompts, 'prompt')} asked in both sweeps"
        return _unknown_change(pairs, Verdict.TOO_FEW, reason)
    return _judged(pairs)


def _needs(missing: int, unit: str) -> str:
    return f"needs {missing} more {unit}{'s' if missing > 1 else ''}"


def _repeated(answers: Answers) -> bool:
    """Tell whether most prompts were asked often enough to show how much their answers differ."""
    return bool(np.count_nonzero(answers.asked >= MIN_REPEATS) > answers.asked.size / 2)


def _within(answers: Answers) -> tuple[float, float]:
    """Return variance and degrees of freedom of the rate of one sweep whose prompts, shape (prompt, 1), are fixed."""
    share, asked = answers.cited / answers.asked, answers.asked
    pooled = answers.rate * (1 - answers.rate)
    seen = np.where(asked >= MIN_REPEATS, share * (1 - share) * asked / np.maximum(asked - 1, 1), pooled)
    freedom = float((asked - 1).sum())
    own = float((asked * seen).sum()) / answers.total
    mixed = (freedom * own + _PRIOR_ANSWERS * pooled) / (freedom + _PRIOR_ANSWERS)
    return mixed / answers.total, freedom


def _with_interval(
    answers: Answers, variance: float, freedom: float, units: float, estimand: str, assumption: str
) -> Estimate:
    """Turn a variance into Wilson's limits; at rate 0 or 1, where there is none, each unit counts as one answer."""
    spread = answers.rate * (1 - answers.rate)
    independent = spread / variance if spread else units
    limits = wilson_limits(answers.rate, independent, float(stdtrit(freedom, _UPPER)))
    return Estimate(
        quantity="citation_rate",
        value=answers.rate,
        unit="share of answers",
        interval=Interval(*limits, LEVEL, estimand),
        verdict=Verdict.MEASURED,
        diagnostics=_counted(answers) | {"independent_answers": independent, "degrees_of_freedom": freedom},
        assumptions=(assumption,),
        input_digest=answers.digest,
    )


def _without_interval(answers: Answers, reason: str) -> Estimate:
    return Estimate(
        quantity="citation_rate",
        value=answers.rate if answers.total else None,
        unit="share of answers",
        interval=None,
        verdict=Verdict.TOO_FEW,
        reason=reason if answers.total else "nothing was asked",
        diagnostics=_counted(answers),
        input_digest=answers.digest,
    )


def _counted(answers: Answers) -> dict[str, float]:
    prompts, sweeps = answers.asked.shape
    counts = {"cited": float(answers.cited.sum()), "asked": answers.total}
    return counts | {"prompts": float(prompts), "sweeps": float(sweeps)}


def _judged(pairs: Answers) -> Estimate:
    before, after = pairs.asked.T
    shared = before * after / (before + after)
    weights = shared / shared.sum()
    rates = pairs.cited / pairs.asked
    gaps = rates[:, 1] - rates[:, 0]
    value = float(weights @ gaps)
    floor = _noise_floor(weights * (gaps - value))
    interval = Interval(max(value - floor, -1.0), min(value + floor, 1.0), LEVEL, CHANGE)
    return replace(
        _unknown_change(pairs, _movement(interval), ""),
        value=value,
        interval=interval,
        diagnostics=_compared(pairs) | {"noise_floor": floor, "degrees_of_freedom": len(gaps) - 1.0},
        assumptions=(_SAMPLED, _COMMON_SWING),
    )


def _noise_floor(influence: Floats) -> float:
    """Return how large a change must be to be told from none, given what each prompt adds to its error."""
    prompts = influence.size
    t = float(stdtrit(prompts - 1, _UPPER))
    variance = clustered(influence)
    return t * float(np.sqrt(variance)) if variance > ROUNDING else t**2 / (prompts + t**2)


def _movement(interval: Interval) -> Verdict:
    if 0 in interval:
        return Verdict.WITHIN_NOISE
    return Verdict.MOVED_UP if interval.low > 0 else Verdict.MOVED_DOWN


def _unknown_change(pairs: Answers, verdict: Verdict, reason: str) -> Estimate:
    return Estimate(
        quantity="citation_rate_change",
        value=None,
        unit="share of answers",
        interval=None,
        verdict=verdict,
        reason=reason,
        diagnostics=_compared(pairs),
        input_digest=pairs.digest,
    )


def _compared(pairs: Answers) -> dict[str, float]:
    cited, asked = pairs.cited.sum(axis=0), pairs.asked.sum(axis=0)
    counts = {"prompts": float(len(pairs.asked)), "cited_before": float(cited[0]), "asked_before": float(asked[0])}
    return counts | {"cited_after": float(cited[1]), "asked_after": float(asked[1])}
