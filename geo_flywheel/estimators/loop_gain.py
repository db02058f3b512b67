"""Loop gain: how much of a push in presence comes back after one turn presence -> citation -> engagement -> presence.

The estimate is a bias-corrected method of moments on counts in two halves: halves whose noise is not shared keep
sampling noise out, the correction keeps out what taking page means does, sites drawn with exponential weights give the
interval. Whether there is a loop at all, and whether the timing is that of a loop, are tests of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import inf, isfinite, nan

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimate.baselines import baselines
from geo_flywheel.estimate.bcmm import LOOP, corrected
from geo_flywheel.estimate.bootstrap import LEVEL, Draws, draws_of
from geo_flywheel.estimate.cells import STATES, Cells, cells_of
from geo_flywheel.estimate.evidence import evidence_of, typical_weeks
from geo_flywheel.estimate.gain import revolution_time
from geo_flywheel.estimate.loop_parts import Fitted, parts_of
from geo_flywheel.estimate.moments import crossed, demeaned
from geo_flywheel.estimate.soundness import common_residuals, noise_check, placebo_leads
from geo_flywheel.estimate.tempo import acceleration
from geo_flywheel.estimate.thorough import permutation_p, rolling, spells, two_way
from geo_flywheel.estimate.transitions import Transitions, transitions_of
from geo_flywheel.estimate.verdicts import LOOPS, MOST_TRUSTED, TRUSTED_WEEKS, Evidence, too_little, verdict_of
from geo_flywheel.panel import Panel

Floats = NDArray[np.float64]

QUANTITY = "loop_gain"
UNIT = "presence returned per presence"
ESTIMAND = "share of a push in presence that returns after one revolution, these pages against these rivals"

ASSUMPTIONS = (
    "the noise of the two halves of a state is independent: citations by prompt, engagement by day, presence by crawl",
    "no cause that nobody measures travels presence -> citation -> engagement with the same lags",
    "the gain is relative to rivals on the same prompts: a topic as a whole does not grow",
    "sites are independent; a shock that all sites of all topics share in a week is not in the interval",
)
_NOT_TOLD = "the list of pages comes from sitemaps, crawl indexes or logs, not from answers (the panel does not say)"


@dataclass(frozen=True, slots=True)
class LoopGain:
    """The estimator and its settings.

    Attributes:
        draws: Draws of sites.
        seed: Seed of the draws.
        beside: Whether baselines, diagnostics and acceleration are computed too; without them a fit is faster.
        thorough: Whether permutations, rolling windows and spells of one engine version are added.
        tell: Told what is being done when it takes long.
    """

    draws: int = 999
    seed: int = 0
    beside: bool = True
    thorough: bool = False
    tell: Callable[[str], None] | None = field(default=None, compare=False)

    def fit(self, panel: Panel, /) -> Estimate:
        """Estimate the loop gain of a panel with its interval, tests and verdict.

        Args:
            panel: Pages of many sites and weeks, with both halves of presence, citations and engagement.

        Returns:
            The gain; without a number where the panel cannot carry one, and then with what would help.

        Raises:
            EstimateError: If a column is absent, naming it.

        Source:
            Estimand: Roberts and Heesterbeek (2003). Moments: `geo_flywheel.estimate.bcmm`.
        """
        cells = cells_of(panel)
        refused = _not_halved(cells) or _chosen_by_outcome(panel)
        if refused:
            return self._untold(panel, cells.left_out, refused)
        pairs = transitions_of(cells)
        present = len(np.unique(pairs.site))
        weeks = typical_weeks(pairs)
        refused = too_little(present, round(weeks) - 1)
        if refused:
            return self._untold(panel, pairs.left_out | {"sites": present, "weeks_of_a_page": weeks}, refused, pairs)
        return self._fitted(panel, cells, pairs)

    def _fitted(self, panel: Panel, cells: Cells, pairs: Transitions) -> Estimate:
        columns = demeaned(pairs)
        moments = crossed(columns, pairs)
        draws = draws_of(moments.weight, self.draws, self.seed)
        drawn = moments.drawn(draws.weights)
        fitted = Fitted(corrected(drawn, LOOP), drawn, draws)
        seen, numbers = evidence_of(fitted, cells, pairs)
        if not isfinite(seen.gain):
            return self._without_root(panel, pairs, seen, numbers)
        verdict, reason = verdict_of(seen)
        weeks = int(np.unique(np.append(pairs.time, pairs.time + 1)).size)
        trusted = seen.gain <= MOST_TRUSTED and _long_enough(pairs, seen.weeks)
        high = inf if verdict is Verdict.OPEN and seen.gain > MOST_TRUSTED else seen.high
        beyond = "" if trusted or verdict not in LOOPS else f"; {_BEYOND}"
        estimate = Estimate(
            QUANTITY, seen.gain, UNIT, Interval(seen.low, high, LEVEL, ESTIMAND), verdict, reason + beyond,
            numbers | {"trusted": float(trusted)}, self._assumptions(panel), self.seed, panel.digest,
            len(pairs.weight), weeks,
        )  # fmt: skip
        estimate = replace(estimate, parts=parts_of(fitted, estimate))
        if self.beside or self.thorough:
            estimate = self._beside(estimate, columns, pairs, fitted)
        return self._thoroughly(estimate, pairs, draws, panel) if self.thorough else estimate

    def _beside(self, estimate: Estimate, columns: Floats, pairs: Transitions, fitted: Fitted) -> Estimate:
        """Add diagnostics, acceleration and baselines; shared noise is told in the reason."""
        draws, matrix = fitted.draws, fitted.roots.matrices[:1]
        numbers, warnings = noise_check(columns, pairs, draws)
        numbers |= placebo_leads(pairs, draws) | common_residuals(columns, matrix[0], pairs, self.seed)
        turn = float(revolution_time(matrix)[0]) if estimate.verdict in LOOPS else nan
        tempo = acceleration(pairs, draws, estimate, turn)
        usual = baselines(columns, pairs, fitted.moments, draws, estimate)
        return replace(
            estimate, reason="; ".join([estimate.reason, *warnings]), parts=(*estimate.parts, tempo, *usual),
            diagnostics={**estimate.diagnostics, **numbers},
        )  # fmt: skip

    def _thoroughly(self, estimate: Estimate, pairs: Transitions, draws: Draws, panel: Panel) -> Estimate:
        tell = self.tell or (lambda _: None)
        windows = (*rolling(pairs, draws, estimate, tell), *spells(pairs, draws, estimate, panel.frame, tell))
        both, error = two_way(pairs, estimate, tell)
        numbers = {"week_block_error": error} | permutation_p(pairs, self.seed, tell)
        return replace(
            estimate, parts=(*estimate.parts, both, *windows), diagnostics={**estimate.diagnostics, **numbers}
        )

    def _without_root(self, panel: Panel, pairs: Transitions, seen: Evidence, numbers: dict[str, float]) -> Estimate:
        reason = (
            "no finite gain fits: it is near or above 1, or the panel is too short for it (no root); only the lower"
            f" limit is known, and about {round(seen.weeks)} more weeks would help"
        )
        untold = self._untold(panel, pairs.left_out | numbers, reason, pairs)
        if numbers["draws_without_root"] > _MOST_LOST:  # the few that have one say nothing of the lower limit
            return replace(untold, reason=reason.replace("only the lower limit is known", "not even a lower limit is"))
        return replace(untold, interval=Interval(seen.low, inf, LEVEL, ESTIMAND))

    def _untold(
        self, panel: Panel, numbers: dict[str, float], reason: str, pairs: Transitions | None = None
    ) -> Estimate:
        return Estimate(
            QUANTITY, None, UNIT, None, Verdict.CANNOT_TELL, reason, numbers, self._assumptions(panel), self.seed,
            panel.digest, *((len(pairs.weight), len(np.unique(pairs.time)) + 1) if pairs is not None else (None, None)),
        )  # fmt: skip

    def _assumptions(self, panel: Panel) -> tuple[str, ...]:
        return (*ASSUMPTIONS, *([_NOT_TOLD] if panel.origin == "not told" else []))


_MOST_LOST = 0.75
_BEYOND = (
    f"above a gain of {MOST_TRUSTED} or below {TRUSTED_WEEKS} weeks read the lower limit, not the value, which runs low"
)


def _chosen_by_outcome(panel: Panel) -> str:
    if panel.origin != "cited pages":
        return ""
    return (
        "the pages of the panel were taken from answers, which selects on the outcome; take them from sitemaps, crawl"
        " indexes or logs, so that pages never cited are in it"
    )


def _not_halved(cells: Cells) -> str:
    """Why a state has no two halves, empty when all have."""
    for state, name in enumerate(STATES):
        first, second = cells.counts[:, 0, state], cells.counts[:, 1, state]
        if not first.any() or not second.any():
            return f"{name} was seen in no two halves (one of them holds nothing); measure each half on its own"
        if np.array_equal(first, second):
            return (
                f"the two halves of {name} are one and the same; measure each on its own: halves need their own noise"
            )
    return ""


def _long_enough(pairs: Transitions, weeks: float) -> bool:
    """Whether the window is as long as a number is trusted in, and the pages were seen in three quarters of it."""
    return int(pairs.time.max()) + 2 >= TRUSTED_WEEKS and weeks >= 0.75 * TRUSTED_WEEKS


ESTIMATOR = LoopGain()
