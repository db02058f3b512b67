"""Attachment: does what a page has been cited bring it further citations, at equal quality?

    new citing cells ~ c[t] (k+1)^alpha eta[page]

k are the distinct (engine, prompt, snapshot) cells that cited the page before. alpha = 0: past citations bring nothing;
1: in proportion; above 1: more than in proportion. Pages that are good (eta) are cited early and late, which looks the
same until quality is in the model: fitted without it, alpha comes out near .9 where it is 0.
Only pages that enter while the panel runs are fitted. Of others nobody knows how they came by what they have.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, stdtrit

from geo_flywheel.errors import NotConverged
from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimate.entrants import Entrants, entrants
from geo_flywheel.estimate.foresight import foresight
from geo_flywheel.estimate.frailty import NO_FRAILTY, Mode, climbed, modes, profile
from geo_flywheel.estimate.frailty_influence import Influence, dispersion, influence
from geo_flywheel.estimate.risk_cells import Cells, Kernel, doubling, power
from geo_flywheel.panel import Panel

ESTIMAND = "pages that enter, all engines together"
_TIMES = "times the rate of a page without citations"
UNIT = "% more new citing cells for 1% more held"
_BASELINE = "takes quality for contagion: a baseline, never the answer"
_DIFFERENCE = "what attachment_without_quality loses once pages differ in quality"
LEVEL = 0.95
FEWEST_REPEATED = 300
FEWEST_PAGES = 30
FEWEST_SITES = 10
COPIES = 1.2
RIVAL = 2.0
_STARTS = ((0.5, 1.0), (0.0, 0.0))
_LN_NEARLY_ALIKE = float(np.log(200.0))
_PLACEBOS = 3
_ASSUMED = (
    "Quality does not change while a page is watched: a page that becomes better looks like one that citations help.",
    "Pages enter with no citations and from a list made of more than answers.",
    "Qualities are Gamma distributed, and what a period does, it does to all pages that enter alike.",
)
_AS_ANSWERS = "Every answer counted is another engine, prompt and snapshot: the panel has no cells_cited, cells_asked."

Floats = NDArray[np.float64]


class _Fit(NamedTuple):
    """One fit, and what its units add to the error of each parameter."""

    kernel: Kernel
    mode: Mode
    moved: Influence


@dataclass(frozen=True, slots=True)
class Attachment:
    """The exponent of attachment among pages that enter.

    Attributes:
        seed: Of the markets without attachment that check the fit; the estimate itself draws nothing.
    """

    seed: int = 1

    def fit(self, panel: Panel) -> Estimate:
        """Estimate alpha.

        Args:
            panel: With the columns `cells_cited` and `cells_asked` (distinct engine, prompt and snapshot cells that
                cite the page, and that were asked about it), or, taken for them and labelled, cited and asked answers.

        Returns:
            alpha, its interval clustered by site, and as parts alpha without quality, the difference, the spread of
            quality and the kernel at each doubling. Without a value where entrants are too few, where the panel
            was made of cited pages, where contagion and quality explain the data equally well, or where answers are
            evidently copies of each other.

        Raises:
            EstimateError: If a column is absent or no count.

        Source:
            Own; estimators.md section 1'. Frailty against contagion: Pham, Sheridan and Shimodaira (2016), Scientific
            Reports 6; their maximum without frailty is the part `attachment_without_quality`.
        """
        found = entrants(panel)
        counts = _counts(found)
        refusal = _starved(panel, found, counts)
        if found.cells is None or refusal:
            lacks = Verdict.CANNOT_TELL if panel.origin == "cited pages" else Verdict.TOO_FEW
            return _told(panel, found, counts, lacks, refusal)
        try:
            return self._fitted(panel, found, found.cells, counts)
        except NotConverged as error:
            return _told(panel, found, counts, Verdict.CANNOT_TELL, str(error))

    def _fitted(self, panel: Panel, found: Entrants, cells: Cells, counts: dict[str, float]) -> Estimate:
        kernel = power(cells)
        alone = climbed(kernel, np.array([0.5]), NO_FRAILTY)
        maxima = modes(kernel, ((alone.alpha, _LN_NEARLY_ALIKE), *_STARTS))
        fit = _Fit(kernel, maxima[0], influence(kernel, maxima[0]))
        spread = dispersion(cells, fit.mode, profile(kernel, fit.mode.parameters, fit.mode.s))
        counts |= (
            {"dispersion": spread} | _rival(maxima) | _tests(fit, spread) | foresight(cells, fit.mode, alone.alpha)
        )
        counts |= {"alpha_if_quality_were_all": self._placebo(kernel, fit.mode)}
        reason = _doubt(found, maxima, spread)
        parts = _parts(fit, _Fit(kernel, alone, influence(kernel, alone)), found.sites, spread)
        if reason:
            counts |= {"alpha_not_to_be_trusted": fit.mode.alpha}
            told = _told(panel, found, counts, Verdict.CANNOT_TELL, reason)
            return replace(told, parts=parts[:1], seed=self.seed)
        interval = _interval(fit.mode.alpha, fit.moved.by_unit[0], found.sites, fit.moved.model_errors[0], spread)
        told = _told(panel, found, counts, Verdict.MEASURED, _words(interval, spread))
        return replace(told, value=fit.mode.alpha, interval=interval, parts=parts, seed=self.seed)

    def _placebo(self, kernel: Kernel, mode: Mode) -> float:
        """Fit what the same pages and periods would give if quality were all: the alpha found there is about 0."""
        rng = np.random.default_rng(self.seed)
        quality = climbed(kernel, np.zeros(1), mode.s, only="s")
        level = profile(kernel, quality.parameters, quality.s).level
        cells, found = kernel.cells, []
        for _ in range(_PLACEBOS):
            eta = rng.gamma(quality.s, 1 / quality.s, cells.units)
            means = cells.exposure * level[cells.time] * eta[cells.unit]
            drawn = power(cells.redrawn(means, rng))
            found.append(modes(drawn, ((0.0, float(np.log(quality.s))), *_STARTS[:1]))[0].alpha)
        return float(np.mean(found))


ESTIMATOR = Attachment()


def _counts(found: Entrants) -> dict[str, float]:
    counts = {"entrants": found.pages, "incumbents": found.incumbents, "unasked_periods": found.unasked}
    cells = found.cells
    if cells is not None:
        counts |= {"events": int(cells.events.sum()), "repeated_events": int(cells.events[cells.past > 0].sum())}
        counts |= {"pages_cited_again": int((cells.by_unit > 1).sum()), "sites": len(np.unique(found.sites))}
    return {name: float(count) for name, count in counts.items()}


def _starved(panel: Panel, found: Entrants, counts: dict[str, float]) -> str:
    """Say why nothing can be fitted; empty if it can.

    Calibrated by simulation: with 135 repeated events or fewer at alpha = 1 the estimates have an sd of .43 to .62 and
    intervals cover .65-.75; from 340 on, at any alpha, they cover .90-1.
    """
    if panel.origin == "cited pages":
        return (
            "the pages come from answers: those never cited are left out, which makes alpha too large; list the"
            " pages by sitemap, crawl index or log"
        )
    if not found.pages:
        return (
            "no page enters while the panel runs, and of those there before nobody knows how they came by what they"
            " have; watch longer, or give first_seen"
        )
    least = {"repeated_events": FEWEST_REPEATED, "pages_cited_again": FEWEST_PAGES, "sites": FEWEST_SITES}
    lacking = [
        f"{n} {name.replace('_', ' ')}, has {counts.get(name, 0):.0f}"
        for name, n in least.items()
        if counts.get(name, 0) < n
    ]
    return f"of the pages that enter it needs at least {'; '.join(lacking)}" if lacking else ""


def _rival(maxima: tuple[Mode, ...]) -> dict[str, float]:
    if len(maxima) == 1:
        return {}
    return {"rival_alpha": maxima[1].alpha, "rival_behind": maxima[0].log_likelihood - maxima[1].log_likelihood}


def _doubt(found: Entrants, maxima: tuple[Mode, ...], spread: float) -> str:
    behind = _rival(maxima).get("rival_behind", np.inf)
    if behind < RIVAL:
        return (
            f"contagion (alpha {max(m.alpha for m in maxima[:2]):.2f}) and quality (alpha "
            f"{min(m.alpha for m in maxima[:2]):.2f}) explain the data equally well; more pages that enter, or more"
            " periods after they do, would tell"
        )
    if spread > COPIES and not found.distinct:
        return (
            f"events come in lumps ({spread:.1f} times the scatter of single ones): the answers counted are copies"
            " of each other; give cells_cited and cells_asked, each engine, prompt and snapshot counted once"
        )
    return ""


def _tests(fit: _Fit, spread: float) -> dict[str, float]:
    """p-values of alpha = 0 and of alpha = 1, by likelihood ratio over the dispersion."""
    p = {}
    for alpha in (0.0, 1.0):
        there = climbed(fit.kernel, np.array([alpha]), fit.mode.s, only="s")
        ratio = 2 * (fit.mode.log_likelihood - there.log_likelihood) / max(spread, 1.0)
        p[f"p_alpha_{alpha:.0f}"] = float(chdtrc(1, max(ratio, 0.0)))
    return p


def _interval(value: float, by_unit: Floats, sites: NDArray[np.int64], model_error: float, spread: float) -> Interval:
    """The larger of the error between sites and that of the model, scattered as the data are."""
    summed = np.bincount(sites, by_unit)
    groups = len(np.unique(sites))
    error = np.sqrt(float(summed @ summed) * groups / (groups - 1))
    half = float(stdtrit(groups - 1, (1 + LEVEL) / 2)) * max(error, model_error * np.sqrt(max(spread, 1.0)))
    return Interval(float(value - half), float(value + half), LEVEL, ESTIMAND)


def _parts(fit: _Fit, alone: _Fit, sites: NDArray[np.int64], spread: float) -> tuple[Estimate, ...]:
    difference = alone.moved.by_unit[0] - fit.moved.by_unit[0]
    without = _interval(alone.mode.alpha, alone.moved.by_unit[0], sites, alone.moved.model_errors[0], spread)
    apart = alone.mode.alpha - fit.mode.alpha
    between = _interval(apart, difference, sites, 0.0, spread)
    return (
        _part("attachment_without_quality", alone.mode.alpha, UNIT, replace(without, estimand=_BASELINE), _BASELINE),
        _part("explained_by_quality", apart, UNIT, replace(between, estimand=_DIFFERENCE), _DIFFERENCE),
        _fitness(fit, sites, spread),
        *_free_form(fit, sites, spread),
    )


def _fitness(fit: _Fit, sites: NDArray[np.int64], spread: float) -> Estimate:
    unit = "variance of quality, relative to its mean"
    if fit.mode.at_edge:
        return _part("fitness_variance", 1 / fit.mode.s, unit, None, "at the end of its range: pages look alike")
    log = _interval(-np.log(fit.mode.s), fit.moved.by_unit[-1], sites, fit.moved.model_errors[-1], spread)
    limits = Interval(float(np.exp(log.low)), float(np.exp(log.high)), LEVEL, ESTIMAND)
    return _part("fitness_variance", 1 / fit.mode.s, unit, limits, "")


def _free_form(fit: _Fit, sites: NDArray[np.int64], spread: float) -> tuple[Estimate, ...]:
    """A(k) of any form beside the power law."""
    kernel, knots = doubling(fit.kernel.cells)
    mode = climbed(kernel, fit.mode.alpha * np.log1p(knots), fit.mode.s)
    moved = influence(kernel, mode)
    parts = []
    for n, knot in enumerate(knots):
        log = _interval(mode.parameters[n], moved.by_unit[n], sites, moved.model_errors[n], spread)
        limits = Interval(float(np.exp(log.low)), float(np.exp(log.high)), LEVEL, ESTIMAND)
        numbers = {"power_law": float((knot + 1) ** fit.mode.alpha), "events": float(kernel.seen[n])}
        value = float(np.exp(mode.parameters[n]))
        parts.append(_part(f"attachment_kernel[{knot:.0f}]", value, _TIMES, limits, "", numbers))
    return tuple(parts)


def _part(
    name: str, value: float, unit: str, interval: Interval | None, reason: str, numbers: dict[str, float] | None = None
) -> Estimate:
    return Estimate(name, value, unit, interval, Verdict.MEASURED, reason, numbers or {})


def _words(interval: Interval, spread: float) -> str:
    if 0 in interval:
        said = "no attachment seen" if interval.high < 1 else "neither none nor proportional attachment is excluded"
    elif interval.high < 0:
        said = "the more a page holds, the fewer are new: attachment below none"
    elif interval.low > 1:
        said = "more than in proportion: the early run away"
    else:
        said = "what a page holds brings it more, " + (
            "less than in proportion" if interval.high < 1 else "perhaps in proportion (1 is in the interval)"
        )
    lumps = f"; events come in lumps ({spread:.1f} times the scatter of single ones), the interval is widened by that"
    return said + (lumps if spread > COPIES else "")


def _told(panel: Panel, found: Entrants, counts: dict[str, float], verdict: Verdict, reason: str) -> Estimate:
    return Estimate(
        quantity="attachment_exponent",
        value=None,
        unit=UNIT,
        interval=None,
        verdict=verdict,
        reason=reason,
        diagnostics=counts,
        assumptions=_ASSUMED if found.distinct else (*_ASSUMED, _AS_ANSWERS),
        input_digest=panel.digest,
        n_units=found.pages,
        n_periods=None if found.cells is None else found.cells.periods,
    )
