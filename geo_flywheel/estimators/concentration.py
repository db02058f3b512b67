"""Concentration: how unequally citations fall on sites, whether that grows, and whether the same sites stay on top.

Every number says whether it is corrected for noise. Few answers make any market look concentrated, any ranking restless
and any leader fall back; two halves of the prompts, which share no noise, tell that from the truth.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from geo_flywheel.errors import NotIdentified
from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimate import shares as measures
from geo_flywheel.estimate.gibrat import gibrat
from geo_flywheel.estimate.halves import COLUMNS, Market
from geo_flywheel.estimate.shares import Halves
from geo_flywheel.estimate.tails import tail
from geo_flywheel.estimate.weeks import FEWEST_PERIODS, LEVEL, over_periods, slope
from geo_flywheel.panel import Panel

OVER_PERIODS = "over periods, these prompts"
CORRECTED = "corrected for noise: one half of the prompts against the other"
NOT_CORRECTED = "not corrected: noise makes it look more concentrated"
_TOPS = (1, 5, 10)
_LAGS = (1, 4, 13)
_CLASSES = 10
_LEAST_RELIABLE = 0.1
_EQUALLY_GOOD = 0.1
_NORMAL = 1.96
_ASSUMED = (
    "Shares are among the units of the panel: citations of pages outside it are not seen.",
    "The two halves of the prompts share no noise, and stand for the same questions.",
)
_OF_CITED = "The panel is made of cited pages: units never cited are missing, so that inequality over all is larger."

Floats = NDArray[np.float64]
Measure = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Concentration:
    """Levels, drift and persistence of concentration.

    Attributes:
        unit: Whose shares are meant.
        seed: Of the blocks of periods that are drawn for intervals.
    """

    unit: Literal["site_id", "page_id"] = "site_id"
    seed: int = 1

    def fit(self, panel: Panel) -> Estimate:
        """Estimate the concentration of citations, all engines together, averaged over periods.

        Args:
            panel: With both halves of citations. Periods in which not all engines were asked are left out of what is
                said of all together.

        Returns:
            The sum of squared shares (HHI, in [0, 1]) by the product of the halves; as parts the other measures, the
            HHI of each engine, its drift, persistence of ranks and of the top, mobility, growth by size and the tail.
            Intervals come of blocks of periods: a bootstrap of sites would change the very shares it measures.

        Source:
            Estimators.md section 5.
        """
        absent = [name for name in COLUMNS if name not in panel.frame]
        if absent:
            return self._told(panel, None, None, f"not known: the panel has no column {', '.join(absent)}", (), 0)
        market = Market(panel, self.unit)
        halves = market.together()
        if not halves.period.size:
            reason = "not known: there is no period in which every engine was asked in both halves and cited somebody"
            return self._told(panel, None, None, reason, (), 0)
        value, interval = over_periods(measures.hhi(halves), _as_it_is, OVER_PERIODS, self.seed)
        parts = (*self._levels(halves), *self._engines(market), *self._moves(halves), *_growth(halves, market.labels))
        equal = f"as concentrated as {1 / value:.1f} equal {self._units}" if value > 0 else "spread beyond measuring"
        reason = equal if interval else f"{equal}; needs {FEWEST_PERIODS} periods for an interval"
        return self._told(panel, value, _from_zero(interval), reason, parts, halves.period.size)

    def by_snapshot(self, panel: Panel) -> pd.DataFrame:
        """Return the HHI of every engine and period.

        Args:
            panel: As for `fit`.

        Returns:
            Columns engine, period, hhi, low, high, hhi_as_seen, effective_number, units, citations. The interval of one
            period comes of how much the engine's HHI moves from one period to the next, real movement included.
        """
        panel.need(*COLUMNS)
        market = Market(panel, self.unit)
        return pd.concat([_snapshots(engine, market.of(engine)) for engine in market.engines], ignore_index=True)

    @property
    def _units(self) -> str:
        return "sites" if self.unit == "site_id" else "pages"

    def _levels(self, halves: Halves) -> tuple[Estimate, ...]:
        """Measures of each period, averaged."""
        number = halves.there.sum(axis=0)
        hhi, share = measures.hhi(halves), "share of citations"
        size = f"equal {self._units}"
        found = [
            self._level(
                "hhi_normalised", (hhi - 1 / number) / (1 - 1 / np.maximum(number, 2)), "0 equal, 1 one takes all"
            ),
            self._level("effective_number", hhi, size, statistic=lambda mean: 1 / np.maximum(mean, 1e-12)),
            self._level("hhi_as_seen", measures.hhi_as_seen(halves), "sum of squared shares", NOT_CORRECTED),
            self._level("gini_as_seen", measures.gini_as_seen(halves), "0 equal, 1 one takes all", NOT_CORRECTED),
            self._level("entropy_as_seen", measures.entropy_as_seen(halves), "nats", NOT_CORRECTED),
        ]
        tops = [self._level(f"top_{k}", measures.top(halves, k), share) for k in _TOPS if k < len(halves.a)]
        return (*found, *tops)

    def _level(
        self, name: str, series: Floats, unit: str, reason: str = CORRECTED, *, statistic: Measure | None = None
    ) -> Estimate:
        value, interval = over_periods(series, statistic or _as_it_is, f"{OVER_PERIODS}; {reason}", self.seed)
        return _part(name, value, unit, _from_zero(interval), reason)

    def _engines(self, market: Market) -> tuple[Estimate, ...]:
        """Each engine over all periods, and in the last of them; `by_snapshot` has every one."""
        known = [(name, halves) for name in market.engines if (halves := market.of(name)).period.size]
        several = known if len(market.engines) > 1 else []
        unit = "sum of squared shares"
        means = [self._level(f"hhi[{name}]", measures.hhi(halves), unit) for name, halves in several]
        return (*means, *(_latest(name, halves) for name, halves in known))

    def _moves(self, halves: Halves) -> tuple[Estimate, ...]:
        """What changes from period to period: the level, the ranks, the top."""
        found = [self._persistence(halves, lag) for lag in _LAGS] + [self._mobility(halves), self._overlap(halves)]
        if halves.period.size < FEWEST_PERIODS:
            return tuple(found)
        rise, around = slope(measures.hhi(halves), halves.period, f"{OVER_PERIODS}; {CORRECTED}", self.seed)
        return (_drift(rise, around), *found)

    def _persistence(self, halves: Halves, lag: int) -> Estimate:
        pairs = measures.rank_correlations(halves, lag)
        name, unit = f"rank_persistence[{lag}]", "rank correlation, 1 nobody changes place"
        return self._ratio(name, pairs, unit, f"after {lag} periods, over the correlation of the halves of one period")

    def _overlap(self, halves: Halves) -> Estimate:
        size = min(max(_TOPS), len(halves.a) - 1)
        pairs = measures.overlaps(halves, 1, size)
        unit = "share of the top that is on top a period later"
        return self._ratio(
            f"top_{size}_persistence", pairs, unit, "over the share that both halves of a period agree on"
        )

    def _ratio(self, name: str, pairs: measures.Pairs, unit: str, reason: str) -> Estimate:
        series = np.column_stack([pairs.later, pairs.same])
        series = series[np.isfinite(series).all(axis=1)]
        if not len(series):
            return _part(name, None, unit, None, "not known: no two periods so far apart are both known")
        if series[:, 1].mean() < _LEAST_RELIABLE:
            return _part(name, None, unit, None, "not known: the halves of one period hardly agree; ask more prompts")
        reason = f"corrected for noise: {reason}"
        estimand = f"{OVER_PERIODS}; {reason}"
        value, interval = over_periods(series, lambda means: means[:, 0] / means[:, 1], estimand, self.seed)
        return _part(name, value, unit, interval, reason)

    def _mobility(self, halves: Halves) -> Estimate:
        """Shorrocks' index of deciles, beside the one that noise alone makes."""
        name, unit = "mobility_beyond_noise", "Shorrocks' index of deciles from one period to the next, beyond noise"
        pairs = measures.transitions(halves, 1, min(_CLASSES, len(halves.a)))
        if not len(pairs.later):
            return _part(name, None, unit, None, "not known: no two adjacent periods are both known")
        series = np.stack([pairs.later, pairs.same], axis=1)
        as_seen, by_noise = measures.mobility(series.mean(axis=0))

        def beyond(means: Floats) -> Floats:
            return np.asarray(measures.mobility(means[:, 0]) - measures.mobility(means[:, 1]))

        value, interval = over_periods(series, beyond, f"{OVER_PERIODS}; {CORRECTED}", self.seed)
        numbers = {"as_seen": float(as_seen), "by_noise": float(by_noise)}
        return _part(name, value, unit, interval, CORRECTED, numbers)

    def _told(
        self, panel: Panel, value: float | None, interval: Interval | None, reason: str, parts: tuple[Estimate, ...],
        periods: int,
    ) -> Estimate:  # fmt: skip
        known = Verdict.MEASURED if interval else Verdict.TOO_FEW
        return Estimate(
            quantity="hhi",
            value=value,
            unit="sum of squared shares of citations",
            interval=interval,
            verdict=Verdict.CANNOT_TELL if value is None else known,
            reason=reason,
            assumptions=(*_ASSUMED, _OF_CITED) if panel.origin == "cited pages" else _ASSUMED,
            seed=self.seed,
            input_digest=panel.digest,
            diagnostics={self._units: float(panel.frame[self.unit].nunique())},
            n_units=int(panel.frame["page_id"].nunique()),
            n_periods=int(periods),
            parts=parts,
        )


ESTIMATOR = Concentration()


def _as_it_is(means: Floats) -> Floats:
    return means


def _from_zero(interval: Interval | None) -> Interval | None:
    """None of the levels can be below 0."""
    return interval and replace(interval, low=max(interval.low, 0.0))


def _drift(rise: float, around: Interval | None) -> Estimate:
    part = _part("hhi_drift", rise, "HHI per period", around, CORRECTED)
    if around is None:
        return part
    moved = Verdict.MOVED_UP if around.low > 0 else Verdict.MOVED_DOWN
    return replace(part, verdict=Verdict.WITHIN_NOISE if 0 in around else moved)


def _growth(halves: Halves, labels: list[str]) -> tuple[Estimate, ...]:
    """Whether the large grow as fast as the small, and how heavy the tail is."""
    unit = "% more later share for 1% more earlier share; 1: growth does not go by size"
    try:
        found = gibrat(halves, labels)
    except NotIdentified as error:
        return (_part("gibrat_slope", None, unit, None, f"not known: {error}"), _tail(halves))
    numbers = {"units": float(found.units), "vanished": float(found.vanished)}
    below = "not corrected: below 1 from noise alone"
    plain = _part("gibrat_slope_as_seen", found.attenuated, unit, found.attenuated_interval, below)
    return (_part("gibrat_slope", found.slope, unit, found.interval, CORRECTED, numbers), plain, _tail(halves))


def _tail(halves: Halves) -> Estimate:
    """The exponent of a power law, if one fits better than a lognormal."""
    unit = "exponent of the tail of citations"
    try:
        found = tail((halves.a + halves.b).sum(axis=1))
    except NotIdentified as error:
        return _part("tail_exponent", None, unit, None, f"not known: {error}")
    numbers = {"xmin": float(found.xmin), "units": float(found.units), "distance": found.distance, "p": found.p}
    numbers |= {"exponent_of_best_power_law": found.exponent, "log_likelihood_ratio": found.ratio}
    if found.p > _EQUALLY_GOOD or found.ratio < 0:
        how = "as well" if found.p > _EQUALLY_GOOD else "better"
        reason = f"a lognormal fits {how} (p {found.p:.2g}): no power law is shown, and its exponent means nothing"
        return _part("tail_exponent", None, unit, None, reason, numbers)
    half = _NORMAL * found.error
    limits = Interval(
        found.exponent - half, found.exponent + half, LEVEL, f"given that the tail begins at {found.xmin}"
    )
    return _part("tail_exponent", found.exponent, unit, limits, "a power law fits better than a lognormal", numbers)


def _snapshots(engine: str, halves: Halves) -> pd.DataFrame:
    """HHI of each period, with an interval by how much it moves from one period to the next."""
    hhi, periods = measures.hhi(halves), halves.period.size
    half = np.full(periods, np.nan)
    if periods >= FEWEST_PERIODS:
        half[:] = stdtrit(periods - 1, (1 + LEVEL) / 2) * np.sqrt((np.diff(hhi) ** 2).mean() / 2)
    columns = {"engine": engine, "period": halves.period, "hhi": hhi, "low": hhi - half, "high": hhi + half}
    columns |= {"hhi_as_seen": measures.hhi_as_seen(halves)}
    columns |= {"effective_number": np.divide(1, hhi, out=np.full(periods, np.nan), where=hhi > 0)}
    columns |= {"units": halves.there.sum(axis=0), "citations": (halves.a + halves.b).sum(axis=0)}
    return pd.DataFrame(columns)


def _latest(engine: str, halves: Halves) -> Estimate:
    last = _snapshots(engine, halves).iloc[-1]
    name = f"hhi[{engine + ', ' if engine else ''}period {last['period']}]"
    limits = Interval(max(float(last["low"]), 0.0), float(last["high"]), LEVEL, f"this period; {CORRECTED}")
    return _part(
        name, float(last["hhi"]), "sum of squared shares", None if np.isnan(limits.high) else limits, CORRECTED
    )


def _part(
    name: str, value: float | None, unit: str, interval: Interval | None, reason: str,
    numbers: dict[str, float] | None = None,
) -> Estimate:  # fmt: skip
    known = Verdict.MEASURED if interval else Verdict.TOO_FEW
    return Estimate(name, value, unit, interval, Verdict.CANNOT_TELL if value is None else known, reason, numbers or {})
