"""How often a site is cited, with an interval named by what it is an interval for.

The same answers carry different intervals for different questions, because different things repeat themselves:

- *this sweep, population of prompts*: which prompts were chosen is chance, so the prompt is the unit;
- *this basket, this sweep*: the prompts are fixed, only the repeats of each prompt are chance;
- *over time*: prompts and sweeps are both chance, so the variance is clustered two ways.

Every interval has Wilson's form, so that it stays inside [0, 1] and keeps a width at 0 and at 1. The number of answers
is replaced by the number of independent answers that would be as certain: rate * (1 - rate) / variance. Shares near 0
are skewed; the symmetric interval of the same variance covers .78-.90 at 2 to 10 expected citations, this one .93-.97.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from geo_flywheel.errors import EstimateError
from geo_flywheel.estimate import Estimate, Interval, Verdict

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
_TINY = 1e-9
_SAMPLED = "The prompts are a sample of those that matter."
_STEADY = "Prompts and sweeps are samples of those that matter: the rate has no trend."

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Sweep(NamedTuple):
    """One sweep of a basket; two sweeps that are compared list the same prompts in the same order.

    Attributes:
        cited: Answers that cite the site, shape (prompt,).
        asked: Answers, same shape; 0 where the prompt was not asked.
    """

    cited: ArrayLike
    asked: ArrayLike


@dataclass(frozen=True, slots=True)
class _Cells:
    """Checked counts, shape (prompt, sweep)."""

    cited: Floats
    asked: Floats
    digest: str

    @property
    def total(self) -> float:
        return float(self.asked.sum())

    @property
    def rate(self) -> float:
        return float(self.cited.sum()) / self.total

    @property
    def independent_variance(self) -> float:
        """Variance of the rate if no answer resembled another."""
        return self.rate * (1 - self.rate) / self.total

    @property
    def influence(self) -> Floats:
        """What each cell adds to the error of the rate; sums to 0."""
        return (self.cited - self.rate * self.asked) / self.total

    def where(self, prompts: Bools, sweeps: Bools) -> "_Cells":
        """Keep some prompts and some sweeps."""
        return _Cells(self.cited[prompts][:, sweeps], self.asked[prompts][:, sweeps], self.digest)


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
    cells = _one_sweep(cited, asked)
    prompts = len(cells.asked)
    if prompts < MIN_PROMPTS:
        return _without_interval(cells, _needs(MIN_PROMPTS - prompts, "prompt"))
    variance = max(_clustered(cells.influence.sum(axis=1)), cells.independent_variance)
    return _with_interval(cells, variance, prompts - 1, prompts, THIS_SWEEP, _SAMPLED)


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
    cells = _one_sweep(cited, asked)
    if not _repeated(cells):
        return _without_interval(cells, f"needs {MIN_REPEATS} repeats of most prompts")
    variance, freedom = _within(cells)
    return _with_interval(cells, variance, freedom, cells.total, THIS_BASKET, "Repeats are independent answers.")


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
        Cameron, Gelbach and Miller (2011), eq. 2.11: variance between prompts plus between sweeps less between cells,
        t with min(prompts, sweeps) - 1 degrees of freedom. Differs: a difference that is not positive falls back to
        the larger of the first two; a few prompts that carry the rate lower the degrees of freedom by their kurtosis.
    """
    cells = _asked_at_all(cited, asked)
    prompts, sweeps = cells.asked.shape
    if sweeps < MIN_SWEEPS:
        return _without_interval(cells, _needs(MIN_SWEEPS - sweeps, "sweep"))
    if prompts < MIN_SWEEPS:
        return _without_interval(cells, _needs(MIN_SWEEPS - prompts, "prompt"))
    variance = max(_two_way(cells.influence), cells.independent_variance)
    freedom = min(_freedom(cells.influence.sum(axis=1)), sweeps - 1)
    return _with_interval(cells, variance, freedom, prompts, OVER_TIME, _STEADY)


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
    cells = _asked_at_all(cited, asked)
    if not cells.total:
        return _without_interval(cells, "")
    return _with_interval(
        cells, cells.independent_variance, np.inf, cells.total, POOLED_WILSON, "All answers are independent."
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
    of one sweep is a movement, even if the next sweep takes it back; `over_time` tells what lasts. Of sweeps that
    did not move, one in twenty is called moved.

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
    pairs = _asked_in_both(before, after)
    prompts = len(pairs.asked)
    if broken or not prompts:
        return _unknown_change(pairs, Verdict.NOT_COMPARABLE, broken or "nothing says what was asked in both sweeps")
    if prompts < MIN_PAIRS:
        reason = f"{_needs(MIN_PAIRS - prompts, 'prompt')} asked in both sweeps"
        return _unknown_change(pairs, Verdict.TOO_FEW, reason)
    return _judged(pairs)


def _counts(values: ArrayLike, name: str) -> Floats:
    """Return whole numbers of at least 0, shape (prompt, sweep); one dimension is one sweep."""
    try:
        counts = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        message = f"{name} is no array of numbers: give one count of answers for each prompt and sweep"
        raise EstimateError(message) from error
    if counts.ndim not in {1, 2}:
        message = f"{name} has {counts.ndim} dimensions: give (prompt,) or (prompt, sweep)"
        raise EstimateError(message)
    if not (np.isfinite(counts) & (counts >= 0) & (counts == np.floor(counts))).all():
        message = f"{name} holds a value that is no count: give whole numbers of answers, 0 where nothing was asked"
        raise EstimateError(message)
    return counts if counts.ndim > 1 else counts[:, None]


def _checked(cited: ArrayLike, asked: ArrayLike) -> _Cells:
    hits, asks = _counts(cited, "cited"), _counts(asked, "asked")
    if hits.shape != asks.shape:
        message = f"cited has shape {hits.shape} and asked {asks.shape}: give both for the same prompts and sweeps"
        raise EstimateError(message)
    if (hits > asks).any():
        prompt, sweep = np.argwhere(hits > asks)[0]
        counts = f"cited in {hits[prompt, sweep]:.0f} of {asks[prompt, sweep]:.0f} answers"
        message = f"prompt {prompt} of sweep {sweep} is {counts}: count an answer once, however often it cites"
        raise EstimateError(message)
    return _Cells(hits, asks, sha256(repr(asks.shape).encode() + hits.tobytes() + asks.tobytes()).hexdigest())


def _asked_at_all(cited: ArrayLike, asked: ArrayLike) -> _Cells:
    """Leave out prompts and sweeps without any answer."""
    cells = _checked(cited, asked)
    return cells.where(cells.asked.sum(axis=1) > 0, cells.asked.sum(axis=0) > 0)


def _one_sweep(cited: ArrayLike, asked: ArrayLike) -> _Cells:
    cells = _column(cited, asked)
    return cells.where(cells.asked[:, 0] > 0, np.array([True]))


def _column(cited: ArrayLike, asked: ArrayLike) -> _Cells:
    cells = _checked(cited, asked)
    if cells.asked.shape[1] != 1:
        message = f"{cells.asked.shape[1]} sweeps where one is expected: pass one column, or all of them to over_time"
        raise EstimateError(message)
    return cells


def _asked_in_both(before: Sweep, after: Sweep) -> _Cells:
    """Lay two sweeps side by side and keep the prompts that both asked."""
    first, last = _column(*before), _column(*after)
    if first.asked.shape != last.asked.shape:
        message = f"{len(first.asked)} prompts before, {len(last.asked)} after: list the same, 0 asked where one lacks"
        raise EstimateError(message)
    pairs = _checked(np.hstack([first.cited, last.cited]), np.hstack([first.asked, last.asked]))
    return pairs.where(pairs.asked.min(axis=1) > 0, np.array([True, True]))


def _needs(missing: int, unit: str) -> str:
    return f"needs {missing} more {unit}{'s' if missing > 1 else ''}"


def _repeated(cells: _Cells) -> bool:
    """Tell whether most prompts were asked often enough to show how much their answers differ."""
    return bool(np.count_nonzero(cells.asked >= MIN_REPEATS) > cells.asked.size / 2)


def _clustered(influence: Floats) -> float:
    """Return the variance of a sum whose parts, shape (cluster,), are independent."""
    clusters = influence.size
    return float(influence @ influence) * clusters / (clusters - 1)


def _two_way(influence: Floats) -> float:
    """Return the variance of a sum whose parts, shape (prompt, sweep), share prompts and sweeps."""
    by_prompt, by_sweep = _clustered(influence.sum(axis=1)), _clustered(influence.sum(axis=0))
    both = by_prompt + by_sweep - _clustered(influence.ravel())
    return both if both > 0 else max(by_prompt, by_sweep)


def _freedom(influence: Floats) -> float:
    """Return the degrees of freedom of a variance over clusters: fewer when a few of them carry it."""
    clusters, second = influence.size, float((influence**2).sum())
    if second < _TINY**2:
        return clusters - 1
    kurtosis = clusters * float((influence**4).sum()) / second**2
    return min(clusters - 1, max(2 * clusters / max(kurtosis - 1, _TINY), 3))


def _within(cells: _Cells) -> tuple[float, float]:
    """Return variance and degrees of freedom of the rate of one sweep whose prompts, shape (prompt, 1), are fixed."""
    share, asked = cells.cited / cells.asked, cells.asked
    pooled = cells.rate * (1 - cells.rate)
    seen = np.where(asked >= MIN_REPEATS, share * (1 - share) * asked / np.maximum(asked - 1, 1), pooled)
    freedom = float((asked - 1).sum())
    own = float((asked * seen).sum()) / cells.total
    answer = (freedom * own + _PRIOR_ANSWERS * pooled) / (freedom + _PRIOR_ANSWERS)
    return answer / cells.total, freedom


def _wilson_limits(rate: float, answers: float, t: float) -> tuple[float, float]:
    """Return Wilson's limits of a rate known from a number of independent answers."""
    middle = (rate + t**2 / (2 * answers)) / (1 + t**2 / answers)
    half = t / (1 + t**2 / answers) * np.sqrt(rate * (1 - rate) / answers + t**2 / (4 * answers**2))
    return (0.0 if rate == 0 else float(middle - half)), (1.0 if rate == 1 else float(middle + half))


def _with_interval(
    cells: _Cells, variance: float, freedom: float, units: float, estimand: str, assumption: str
) -> Estimate:
    """Turn a variance into Wilson's limits; at rate 0 or 1, where there is none, each unit counts as one answer."""
    spread = cells.rate * (1 - cells.rate)
    answers = spread / variance if spread else units
    limits = _wilson_limits(cells.rate, answers, float(stdtrit(freedom, _UPPER)))
    return Estimate(
        quantity="citation_rate",
        value=cells.rate,
        unit="share of answers",
        interval=Interval(*limits, LEVEL, estimand),
        verdict=Verdict.MEASURED,
        diagnostics=_counted(cells) | {"independent_answers": answers, "degrees_of_freedom": freedom},
        assumptions=(assumption,),
        input_digest=cells.digest,
    )


def _without_interval(cells: _Cells, reason: str) -> Estimate:
    return Estimate(
        quantity="citation_rate",
        value=cells.rate if cells.total else None,
        unit="share of answers",
        interval=None,
        verdict=Verdict.TOO_FEW,
        reason=reason if cells.total else "nothing was asked",
        diagnostics=_counted(cells),
        input_digest=cells.digest,
    )


def _counted(cells: _Cells) -> dict[str, float]:
    prompts, sweeps = cells.asked.shape
    counts = {"cited": float(cells.cited.sum()), "asked": cells.total}
    return counts | {"prompts": float(prompts), "sweeps": float(sweeps)}


def _judged(pairs: _Cells) -> Estimate:
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
        assumptions=(_SAMPLED, "Both sweeps asked the same way."),
    )


def _noise_floor(influence: Floats) -> float:
    """Return how large a change must be to be told from none, given what each prompt adds to its error."""
    prompts = influence.size
    t = float(stdtrit(prompts - 1, _UPPER))
    variance = _clustered(influence)
    return t * float(np.sqrt(variance)) if variance > _TINY**2 else t**2 / (prompts + t**2)


def _movement(interval: Interval) -> Verdict:
    if 0 in interval:
        return Verdict.WITHIN_NOISE
    return Verdict.MOVED_UP if interval.low > 0 else Verdict.MOVED_DOWN


def _unknown_change(pairs: _Cells, verdict: Verdict, reason: str) -> Estimate:
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


def _compared(pairs: _Cells) -> dict[str, float]:
    cited, asked = pairs.cited.sum(axis=0), pairs.asked.sum(axis=0)
    counts = {"prompts": float(len(pairs.asked)), "cited_before": float(cited[0]), "asked_before": float(asked[0])}
    return counts | {"cited_after": float(cited[1]), "asked_after": float(asked[1])}
