"""Time to the first citation: how long a page that enters waits, and whether it waits longer than those there before.

The cold start is a ratio of hazards: how soon a newcomer is cited, over how soon a page of the same topic that was
there before is cited next, both from the period in which the newcomer enters. Both are seen through the same answers.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from geo_flywheel.errors import NotConverged, NotIdentified
from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimate.cox import cox
from geo_flywheel.estimate.jackknife import FEWEST_GROUPS, LEVEL, groups_of, jackknife
from geo_flywheel.estimate.spells import Spells, spells
from geo_flywheel.panel import Panel

ESTIMAND = "pages that enter against pages of their topic that were there, from the same period on"
OVER_SITES = "pages like those that enter, these prompts"
FEWEST_NEWCOMERS = 30
FEWEST_FIRST_CITATIONS = 10
_WITHIN = (1, 4, 13, 26)
_HALF = 0.5
_ASSUMED = (
    "A citation counts when an answer shows it: n answers miss a page cited in a share p of them with (1-p)^n.",
    "Pages leave the panel for reasons that have nothing to do with how soon they would have been cited.",
    "Newcomers are not told apart by quality: that those there before are cited sooner may be what they are.",
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TimeToCitation:
    """The cold start of pages that enter."""

    def fit(self, panel: Panel) -> Estimate:
        """Estimate the ratio of a newcomer's hazard of being cited to that of pages there before.

        Args:
            panel: With both halves of citations, and pages that enter while it runs.

        Returns:
            Hazard ratio, 1 where newcomers are cited as soon as others, with errors clustered by site; as parts the
            share of newcomers cited within 1, 4, 13 and 26 periods asked, and the median wait.

        Raises:
            EstimateError: If a column of the halves is absent.

        Source:
            Kaplan and Meier (1958); Cox (1972) with the topic and period of entry as strata. A first citation is known
            to the period only: ties are Efron's.
        """
        if panel.origin == "cited pages":
            reason = "the pages come from answers: those never cited are left out, so that every wait looks short"
            return _told(panel, None, None, reason, {}, ())
        found = spells(panel)
        counts = _counts(found)
        waits = _waits(found)
        if counts["newcomers"] < FEWEST_NEWCOMERS or counts["newcomers_cited"] < FEWEST_FIRST_CITATIONS:
            reason = (
                f"needs {FEWEST_NEWCOMERS} pages that enter and {FEWEST_FIRST_CITATIONS} first citations, has"
                f" {counts['newcomers']:.0f} and {counts['newcomers_cited']:.0f}"
            )
            return _told(panel, None, None, reason, counts, waits)
        try:
            ratio, interval = _ratio(found)
        except (NotIdentified, NotConverged) as error:
            return _told(panel, None, None, f"no page there before to compare with ({error})", counts, waits)
        return _told(panel, ratio, interval, _words(interval), counts, waits)


ESTIMATOR = TimeToCitation()


def _counts(found: Spells) -> dict[str, float]:
    new = found.newcomer
    counts = {"newcomers": new.sum(), "newcomers_cited": (new & found.cited).sum(), "compared_spells": (~new).sum()}
    counts["newcomer_sites"] = len(np.unique(found.site[new].astype(str)))
    told = {name: float(count) for name, count in counts.items()}
    return told | ({"answers_a_period": float(np.median(found.asked[new]))} if new.any() else {})


def _ratio(found: Spells) -> tuple[float, Interval | None]:
    fitted = cox(found.duration, found.cited, found.newcomer[:, None], strata=found.stratum, group=found.site)
    value, error = float(fitted.coefficients[0]), float(fitted.errors[0])
    sites = len(np.unique(found.site[found.newcomer].astype(str)))
    if sites < FEWEST_GROUPS:
        return float(np.exp(value)), None
    half = float(stdtrit(sites - 1, (1 + LEVEL) / 2)) * error
    return float(np.exp(value)), Interval(float(np.exp(value - half)), float(np.exp(value + half)), LEVEL, ESTIMAND)


def _waits(found: Spells) -> tuple[Estimate, ...]:
    """Kaplan and Meier's shares of newcomers cited in time, and the median wait."""
    new = found.newcomer
    if not new.any():
        return ()
    group, longest = groups_of(found.site[new]), int(found.duration[new].max())
    sums = np.zeros((int(group.max()) + 1, 2, longest))
    cell = group * longest + found.duration[new] - 1
    for row, weight in enumerate((found.cited[new], np.ones(group.size))):
        sums[:, row] = np.bincount(cell, weight, sums.shape[0] * longest).reshape(-1, longest)
    sums[:, 1] = np.cumsum(sums[:, 1, ::-1], axis=1)[:, ::-1]
    within = [_within(sums, periods) for periods in _WITHIN if periods <= longest]
    return (*within, _median(sums, longest))


def _cited_by(sums: Floats, periods: int) -> float:
    """Share cited within so many periods, from citations and pages waiting in each."""
    came, waiting = sums[:, :periods]
    if (waiting == 0).any():
        raise NotIdentified("nobody is watched so long")
    return 1 - float(np.prod(1 - came / waiting))


def _within(sums: Floats, periods: int) -> Estimate:
    value, interval = jackknife(sums, partial(_cited_by, periods=periods), OVER_SITES)
    inside = interval and Interval(max(interval.low, 0.0), min(interval.high, 1.0), LEVEL, OVER_SITES)
    return _part(f"cited_within[{periods}]", value, "share of pages that enter", inside, "")


def _median(sums: Floats, longest: int) -> Estimate:
    """The first period by which half are cited; its limits are those periods whose own limits reach a half."""
    unit = "periods asked until half of the pages that enter are cited"
    value = early = late = None
    for periods in range(1, longest + 1):
        share, limits = jackknife(sums, partial(_cited_by, periods=periods), OVER_SITES)
        value = periods if value is None and share >= _HALF else value
        early = periods if early is None and limits and limits.high >= _HALF else early
        late = periods if late is None and limits and limits.low >= _HALF else late
        if value and (late or limits is None):
            break
    if value is None:
        return _part("median_wait", None, unit, None, f"fewer than half are cited within {longest} periods")
    around = Interval(float(early), float(late or np.inf), LEVEL, OVER_SITES) if early else None
    return _part("median_wait", float(value), unit, around, "")


def _words(interval: Interval | None) -> str:
    if interval is None:
        return f"needs {FEWEST_GROUPS} sites with pages that enter for an interval"
    if 1 in interval:
        return "newcomers are cited neither sooner nor later than pages there before, as far as can be told"
    return "newcomers wait longer than pages there before" if interval.high < 1 else "newcomers are cited sooner"


def _part(name: str, value: float | None, unit: str, interval: Interval | None, reason: str) -> Estimate:
    if value is not None and interval is None:
        reason = f"needs {FEWEST_GROUPS} sites with pages that enter for an interval"
    verdict = Verdict.CANNOT_TELL if value is None else Verdict.TOO_FEW if interval is None else Verdict.MEASURED
    return Estimate(name, value, unit, interval, verdict, reason)


def _told(
    panel: Panel, value: float | None, interval: Interval | None, reason: str, counts: dict[str, float],
    parts: tuple[Estimate, ...],
) -> Estimate:  # fmt: skip
    cannot = Verdict.CANNOT_TELL if panel.origin == "cited pages" else Verdict.TOO_FEW
    return Estimate(
        quantity="newcomer_hazard_ratio",
        value=value,
        unit="hazard of a citation, pages that enter over pages there before",
        interval=interval,
        verdict=Verdict.MEASURED if interval else cannot,
        reason=reason,
        diagnostics=counts,
        assumptions=_ASSUMED,
        input_digest=panel.digest,
        n_units=int(counts["newcomers"]) if counts else None,
        n_periods=int(panel.frame["period"].nunique()),
        parts=parts,
    )
