"""Which verdict a loop gain gets: the first rule that fires, with the number that decided it.

| # | verdict | rule |
|---|---|---|
| 1 | cannot tell | fewer than 30 sites or 20 transitions, no halves, pages taken from answers, no root |
| 2 | another order or a common cause | exclusion gate p < .001 |
| 2b | cannot tell | .001 <= gate p < .01 and the stage test passes |
| 3 | self-sustaining | stage test passes, lower limit > 1 |
| 4 | reinforcing, fading | stage test, limits within [.05, 1), half-life at most a quarter of the window |
| 5 | reinforcing, persistence open | stage test, lower limit >= .05 |
| 6 | no loop seen | upper limit < .10; head start only when the share between pages is above .5 |
| 7 | cannot tell | else |
"""

from dataclasses import dataclass
from math import ceil, inf, isfinite, isnan, log, sqrt

from geo_flywheel.estimate import Verdict

FEWEST_SITES = 30
FEWEST_TRANSITIONS = 20
STAGE = 1.645
RETURNS = 0.05
NOTHING = 0.10
MOST_TRUSTED = 0.6
TRUSTED_WEEKS = 52
LOOPS = frozenset({Verdict.SELF_SUSTAINING, Verdict.FADING, Verdict.OPEN})
_FIRM, _WEAK = 0.001, 0.01
_QUARTER = 4
_MOST_WEEKS = 1_040
_LEVEL_SHARE = 0.5

SAME_LAGS = (
    "a hidden cause that itself travels presence -> citation -> engagement with the same lags would look the same;"
    " the gain is relative to rivals on the same prompts"
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The numbers a verdict stands on.

    Attributes:
        gain: Point estimate.
        low: Lower limit; high: upper limit, infinite when open.
        gate: p value of the exclusion gate, NaN when it cannot be computed.
        stage: Smallest stage coefficient over its standard error; weakest: the name of that stage.
        radius: Spectral radius; radius_high: its upper limit, infinite when open.
        weeks: Weeks of the typical page.
        between: Lower limit of the share of variance that lies between pages.
    """

    gain: float
    low: float
    high: float
    gate: float
    stage: float
    weakest: str
    radius: float
    radius_high: float
    weeks: float
    between: float


def too_little(sites: int, transitions: int) -> str:
    """Return why a panel is too small for any gain, empty if it is not."""
    lacks = []
    if sites < FEWEST_SITES:
        lacks.append(f"{FEWEST_SITES - sites} more sites with pages seen in all three states ({sites} of at least 30)")
    if transitions < FEWEST_TRANSITIONS:
        lacks.append(
            f"about {FEWEST_TRANSITIONS - transitions} more weeks in a row ({transitions} transitions of at least 20)"
        )
    return f"too little data: it needs {' and '.join(lacks)}" if lacks else ""


def verdict_of(seen: Evidence) -> tuple[Verdict, str]:
    """Return the verdict of a gain that was estimated, and why."""
    passes = seen.stage > STAGE
    if seen.gate < _FIRM:
        return Verdict.OTHER_ORDER, (
            f"the timing does not fit presence -> citation -> engagement -> presence (exclusion gate p {_p(seen.gate)},"
            " below .001); a release or crawl that comes by chance would tell order from cause"
        )
    if passes and not seen.gate >= _WEAK:
        timing = "cannot be tested" if isnan(seen.gate) else f"fits the loop badly (exclusion gate p {_p(seen.gate)})"
        return Verdict.CANNOT_TELL, f"the timing {timing}; more sites, or {_more(seen.weeks)}, would tell"
    if passes and seen.low > 1:
        return Verdict.SELF_SUSTAINING, (
            f"compounding: gaps grow (a push returns at least {seen.low:.2f} of itself, above 1); {SAME_LAGS}"
        )
    if passes and seen.low >= RETURNS:
        return _reinforcing(seen)
    if seen.high < NOTHING:
        return _no_loop(seen)
    return Verdict.CANNOT_TELL, _undecided(seen)


def _reinforcing(seen: Evidence) -> tuple[Verdict, str]:
    longest = half_life(seen.radius_high)
    if seen.high < 1 and longest <= seen.weeks / _QUARTER:
        return Verdict.FADING, (
            f"a push returns {seen.gain:.2f} of itself, in all {1 / (1 - seen.gain):.1f} times it; half of a gap is"
            f" gone after {half_life(seen.radius):.1f} weeks (at most {longest:.1f}, within a quarter of the"
            f" {seen.weeks:.0f} weeks seen); {SAME_LAGS}"
        )
    needed = _weeks_to_fade(seen)
    more = f"needs {_more(needed - seen.weeks)}" if needed else "cannot be told by more weeks at this gain"
    half = f"{longest:.1f} weeks" if isfinite(longest) else "has no bound"
    return Verdict.OPEN, (
        f"a push returns at least {seen.low:.2f} of itself; whether it fades {more} (upper limit of the half-life:"
        f" {half}, against a quarter of the {seen.weeks:.0f} weeks seen); {SAME_LAGS}"
    )


def _no_loop(seen: Evidence) -> tuple[Verdict, str]:
    reason = f"at most {max(seen.high, 0):.2f} of a push returns (below {NOTHING:.2f})"
    if seen.between > _LEVEL_SHARE:
        return Verdict.HEAD_START, (
            f"{reason}: gaps come from level, not from return (at least {seen.between:.0%} of the variance lies between"
            " pages)"
        )
    return Verdict.NO_LOOP, reason


def _undecided(seen: Evidence) -> str:
    """What blocks a positive verdict and what a negative one, and the weeks that would decide."""
    blocked = []
    weeks = []
    if seen.stage <= STAGE:
        blocked.append(f"the stage {seen.weakest} is {seen.stage:.1f} standard errors from none (1.645 are needed)")
        weeks.append(seen.weeks * (STAGE / seen.stage) ** 2 if seen.stage > 0 else inf)
    if seen.low < RETURNS:
        blocked.append(f"the lower limit is {seen.low:.2f} (.05 is needed)")
        wide = seen.gain - seen.low
        weeks.append(seen.weeks * (wide / (seen.gain - RETURNS)) ** 2 if seen.gain > RETURNS else inf)
    loop = max(weeks, default=inf)
    wide = (seen.high - seen.gain) / (NOTHING - seen.gain) if seen.gain < NOTHING else inf
    nothing = seen.weeks * wide**2
    needed = min(loop, nothing)
    high = "open" if seen.high == inf else f"{seen.high:.2f}"
    more = (
        f"{_more(needed - seen.weeks)} like these would tell"
        if needed <= _MOST_WEEKS
        else "more sites or more fetches, answers and visits a week would tell, more weeks alone would not"
    )
    return f"{' and '.join(blocked)}, while the upper limit is {high} (below .10 is needed for no loop); {more}"


def half_life(radius: float) -> float:
    """Return the weeks until half of a gap is gone, infinite from a radius of 1 up."""
    if radius <= 0:
        return 0.0
    return log(0.5) / log(radius) if radius < 1 else inf


def _weeks_to_fade(seen: Evidence) -> float:
    """Weeks of a window in which limits that narrow with its root would say that it fades; 0 if none up to 20 years."""
    gain_high = seen.high if isfinite(seen.high) else seen.gain + (seen.gain - seen.low)
    radius_high = seen.radius_high if isfinite(seen.radius_high) else seen.radius + (1 - min(seen.radius, 1))
    for weeks in range(ceil(seen.weeks), _MOST_WEEKS + 1):
        narrower = sqrt(seen.weeks / weeks)
        radius = seen.radius + (radius_high - seen.radius) * narrower
        fades = seen.gain + (gain_high - seen.gain) * narrower < 1 and half_life(radius) <= weeks / _QUARTER
        if fades:
            return max(weeks, seen.weeks + 1)
    return 0.0


def _more(weeks: float) -> str:
    """So many more weeks, rounded up to what can be promised: single weeks below 10, then fives."""
    whole = max(ceil(weeks), 1)
    return f"about {whole if whole < 10 else 5 * ceil(whole / 5)} more weeks"  # noqa: PLR2004


def _p(value: float) -> str:
    return "below 1e-6" if value < 1e-6 else f"{value:.2g}"  # noqa: PLR2004
