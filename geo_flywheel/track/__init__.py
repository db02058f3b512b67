"""A site's trajectory: citations, engagement and presence week by week, with what the numbers can and cannot tell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.errors import ConfigError
from geo_flywheel.estimate import Estimate, Verdict
from geo_flywheel.estimate.answers import Sweep
from geo_flywheel.estimators import citation_rate
from geo_flywheel.store.database import Store
from geo_flywheel.track.signals import LoggedWeek, ToldWeek, logged_weeks, told_weeks
from geo_flywheel.urls import site as site_of

ALL_ENGINES = "all engines"
NOT_ASKED = "the file does not say what was asked"
NO_PROMPTS = "the source does not say which prompt each answer is for"
OVERLAP = "counts of several pages of the site overlap in one cell"

_ASKED = """
SELECT engine, surface, week, coalesce(prompt_no, -1) AS prompt_no,
    CASE WHEN count(*) = count(asked) THEN sum(asked) END AS asked
FROM asked WHERE week IS NOT NULL GROUP BY ALL ORDER BY ALL
"""
_CITED = """
SELECT engine, surface, week, coalesce(prompt_no, -1) AS prompt_no, sum(cited) AS cited, sum(cited_most) AS cited_most
FROM site_citations WHERE site = ? AND week IS NOT NULL GROUP BY ALL ORDER BY ALL
"""
_SEEN = """
SELECT coalesce(engine, ?) AS engine, surface, week, sum(cited) AS sightings, count(DISTINCT page_no) AS pages,
    count(DISTINCT day) AS days, percentile_cont(0.5) WITHIN GROUP (ORDER BY position) AS position
FROM citations WHERE site = ? AND week IS NOT NULL
GROUP BY GROUPING SETS ((engine, surface, week), (surface, week))
"""
_PAGES = """
SELECT coalesce(engine, ?) AS engine, surface, count(DISTINCT page_no) AS pages
FROM citations WHERE site = ? AND week IS NOT NULL GROUP BY GROUPING SETS ((engine, surface), (surface))
"""
_MODELS = """
SELECT DISTINCT engine, surface, week, model_served FROM asked
WHERE week IS NOT NULL AND model_served IS NOT NULL ORDER BY ALL
"""
_PRESENCE = """
SELECT corpus, unit_kind, method, state, count(*) AS units, CAST(sum(captures) AS BIGINT) AS captures,
    CAST(sum(documents) AS BIGINT) AS documents, CAST(sum(tokens) AS BIGINT) AS tokens, max(observed_on) AS observed_on
FROM (
    SELECT * FROM presences WHERE site = ?
    QUALIFY row_number() OVER (PARTITION BY corpus, method, unit_kind, unit ORDER BY observed_on DESC NULLS LAST) = 1
) AS newest
GROUP BY ALL
UNION ALL
SELECT DISTINCT corpus, NULL, NULL, 'unknown', 0, NULL, NULL, NULL, NULL
FROM presences WHERE corpus NOT IN (SELECT corpus FROM presences WHERE site = ?)
ORDER BY ALL
"""

Key = tuple[str, str]
Place = tuple[str, str, date]
Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Week:
    """One ISO week of one series.

    Attributes:
        week: Its Monday, UTC; running when it is not over yet.
        sightings: Citations seen, pages of one answer counted each.
        pages: Distinct pages of the site; days: distinct days with one.
        position: Median position where it is cited, from 1; None where no source gives any.
        cited: Answers that cite the site; None where counts overlap.
        asked: Answers asked for; None where the source does not say.
        rate: The estimate with its interval; its value is None when the rate is not known, and `reason` says why.
        won: Prompts cited now and not in the week before, of those asked in both; lost: the other way round.
        verdict: Against the week before, or the last one with answers; None for the first week and the running one.
        reason: What decided the verdict, what is missing, or which week it is against where that is not the one before.
    """

    week: date
    running: bool
    sightings: int
    pages: int
    days: int
    position: float | None
    models: tuple[str, ...]
    cited: int | None
    asked: int | None
    prompts: int | None
    rate: Estimate | None
    won: int | None = None
    lost: int | None = None
    verdict: Verdict | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """The weeks of one engine on one surface, or of all engines of a surface.

    Attributes:
        pages: Distinct pages of the site over all weeks.
        overall: Rate over all full weeks, prompts and sweeps both taken as samples; None when a week's is not known.
        unknown: Why there is no overall rate; empty when there is one.
    """

    engine: str
    surface: str
    weeks: tuple[Week, ...]
    pages: int
    overall: Estimate | None
    unknown: str


@dataclass(frozen=True, slots=True)
class CorpusPresence:
    """What the tables say of a site's units in one corpus; unknown, with no unit, when none of them names the site."""

    corpus: str
    unit_kind: str | None
    method: str | None
    state: str
    units: int
    captures: int | None
    documents: int | None
    tokens: int | None
    observed_on: date | None


@dataclass(frozen=True, slots=True)
class Trajectory:
    """How a site fared.

    Attributes:
        presence: Empty when there is no table of training presence at all.
        logged: Visits out of assistants and fetches by crawlers; empty when there is no log of the site.
        told: Visits out of assistants as analytics tools count them.
    """

    site: str
    series: tuple[Series, ...]
    presence: tuple[CorpusPresence, ...]
    logged: tuple[LoggedWeek, ...] = ()
    told: tuple[ToldWeek, ...] = ()

    @property
    def pooled(self) -> Series | None:
        """The series that stands for the site: all engines of the surface with most weeks, or its only engine."""
        by_surface: dict[str, Series] = {}
        for series in self.series:
            if series.engine == ALL_ENGINES or series.surface not in by_surface:
                by_surface[series.surface] = series
        return max(by_surface.values(), key=lambda series: len(series.weeks), default=None)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Counts of one series, shape (row, week); a row is a prompt put to an engine.

    Attributes:
        rows: Engine and prompt number of each row; the number is -1 where the source names no prompt.
        cited: Answers that cite the site, at least; cited_most: at most.
        asked: Answers; 0 where the row was not asked that week, NaN where the source does not say.
    """

    rows: tuple[tuple[str, int], ...]
    weeks: tuple[date, ...]
    cited: Counts
    cited_most: Counts
    asked: Counts

    @property
    def nameless(self) -> bool:
        """Whether the source does not say which prompt some answers are for."""
        return any(prompt < 0 for _, prompt in self.rows)

    def by_prompt(self, counts: Counts) -> Counts:
        """Sum the engines of each prompt, shape (prompt, week)."""
        _, place = np.unique([prompt for _, prompt in self.rows], return_inverse=True)
        summed = np.zeros((place.max() + 1, counts.shape[1]))
        np.add.at(summed, place, counts)
        return summed

    def engines(self, column: int) -> set[str]:
        """Engines that were asked, or seen answering, in a week."""
        return {engine for (engine, _), asked in zip(self.rows, self.asked[:, column], strict=True) if asked != 0}


def track(store: Store, site: str, today: date | None = None) -> Trajectory:
    """Return the trajectory of a site.

    Args:
        store: Open for reading.
        site: A site, or any host or address of it.
        today: Day that tells which week is running; default: today, UTC.

    Raises:
        ConfigError: If `site` names no site.
    """
    name = site_of(site if "://" in site else f"https://{site}/")
    if not name:
        raise ConfigError(f"{site!r} names no site; write it as example.com")
    grids = _grids(store.rows(_ASKED), store.rows(_CITED, [name]))
    seen = {(row[0], row[1], row[2]): row[3:] for row in store.rows(_SEEN, [ALL_ENGINES, name])}
    models = _models(store.rows(_MODELS))
    today = today or datetime.now(UTC).date()
    monday = today - timedelta(days=today.weekday())
    pages = {(engine, surface): count for engine, surface, count in store.rows(_PAGES, [ALL_ENGINES, name])}
    totals = _with_totals(grids).items()
    series = tuple(_series(key, grid, seen, models, monday, pages.get(key, 0)) for key, grid in totals)
    presence = tuple(CorpusPresence(*row) for row in store.rows(_PRESENCE, [name, name]))
    return Trajectory(name, series, presence, logged_weeks(store, name, monday), told_weeks(store, name))


def _models(rows: Iterable[tuple[Any, ...]]) -> dict[Place, tuple[str, ...]]:
    served: dict[Place, tuple[str, ...]] = {}
    for engine, surface, week, model in rows:
        served[engine, surface, week] = (*served.get((engine, surface, week), ()), model)
    return served


def _grids(asked: Iterable[tuple[Any, ...]], cited: Iterable[tuple[Any, ...]]) -> dict[Key, _Grid]:
    """One grid per engine and surface."""
    asks: dict[Key, dict[tuple[int, date], float]] = {}
    for engine, surface, week, prompt, count in asked:
        asks.setdefault((engine, surface), {})[prompt, week] = np.nan if count is None else float(count)
    hits = {(engine, surface, prompt, week): most for engine, surface, week, prompt, *most in cited}
    return {key: _grid(key, cells, hits) for key, cells in asks.items()}


def _grid(
    key: Key, cells: Mapping[tuple[int, date], float], hits: Mapping[tuple[str, str, int, date], Sequence[int]]
) -> _Grid:
    prompts, weeks = sorted({prompt for prompt, _ in cells}), sorted({week for _, week in cells})
    row, column = {p: i for i, p in enumerate(prompts)}, {w: j for j, w in enumerate(weeks)}
    asked, cited, most = (np.zeros((len(prompts), len(weeks))) for _ in range(3))
    for (prompt, week), count in cells.items():
        place = row[prompt], column[week]
        asked[place] = count
        cited[place], most[place] = hits.get((*key, prompt, week), (0, 0))
    return _Grid(tuple((key[0], prompt) for prompt in prompts), tuple(weeks), cited, most, asked)


def _with_totals(grids: Mapping[Key, _Grid]) -> dict[Key, _Grid]:
    """The grids, and one of all engines for each surface with several; surfaces are never pooled."""
    totals = dict(sorted(grids.items()))
    for surface in sorted({surface for _, surface in grids}):
        parts = [grid for (_, own), grid in grids.items() if own == surface]
        if len(parts) > 1:
            totals[ALL_ENGINES, surface] = _stacked(parts)
    return totals


def _stacked(parts: Sequence[_Grid]) -> _Grid:
    weeks = sorted({week for part in parts for week in part.weeks})

    def spread(part: _Grid, counts: Counts) -> Counts:
        wide = np.zeros((len(part.rows), len(weeks)))
        wide[:, [weeks.index(week) for week in part.weeks]] = counts
        return wide

    return _Grid(
        rows=tuple(row for part in parts for row in part.rows),
        weeks=tuple(weeks),
        cited=np.vstack([spread(part, part.cited) for part in parts]),
        cited_most=np.vstack([spread(part, part.cited_most) for part in parts]),
        asked=np.vstack([spread(part, part.asked) for part in parts]),
    )


def _series(
    key: Key,
    grid: _Grid,
    seen: Mapping[Place, tuple[Any, ...]],
    models: Mapping[Place, tuple[str, ...]],
    monday: date,
    pages: int,
) -> Series:
    engine, surface = key
    members = sorted({engine for engine, _ in grid.rows}) if engine == ALL_ENGINES else [engine]
    weeks: list[Week] = []
    for column, week in enumerate(grid.weeks):
        served = tuple(sorted({m for name in members for m in models.get((name, surface, week), ())}))
        weeks.append(_week(grid, column, running=week >= monday, models=served, seen=seen.get((engine, surface, week))))
    judged = [weeks[0], *(_judged(grid, j, weeks[j - 1], weeks[j]) for j in range(1, len(weeks)))]
    return Series(engine, surface, tuple(judged), pages, *_overall(grid, weeks))


def _week(grid: _Grid, column: int, *, running: bool, models: tuple[str, ...], seen: tuple[Any, ...] | None) -> Week:
    missing = _unknown(grid, column)
    rate = None if missing else _rate(grid, column)
    counted = rate.diagnostics if rate else {}
    sightings, pages, days, position = seen or (0, 0, 0, None)
    return Week(
        week=grid.weeks[column],
        running=running,
        sightings=int(sightings),
        pages=pages,
        days=days,
        position=position,
        models=models,
        cited=int(counted["cited"]) if rate else None,
        asked=int(counted["asked"]) if rate else None,
        prompts=int(np.count_nonzero(grid.by_prompt(grid.asked)[:, column])) if rate and not grid.nameless else None,
        rate=rate,
        reason=missing or (rate.reason if rate else ""),
    )


def _unknown(grid: _Grid, column: int) -> str:
    """Why the rate of a week is not known; empty when it is."""
    if np.isnan(grid.asked[:, column]).any():
        return NOT_ASKED
    absent = {engine for engine, _ in grid.rows} - grid.engines(column)
    if absent:
        return f"not asked this week: {', '.join(sorted(absent))}"
    return OVERLAP if (grid.cited[:, column] != grid.cited_most[:, column]).any() else ""


def _rate(grid: _Grid, column: int) -> Estimate:
    """The rate for the widest question its data carry: the population of prompts, else this basket."""
    cited, asked = grid.cited[:, column], grid.asked[:, column]
    if grid.nameless:
        return replace(citation_rate.this_sweep([cited.sum()], [asked.sum()]), reason=NO_PROMPTS)
    population = citation_rate.this_sweep(grid.by_prompt(grid.cited)[:, column], grid.by_prompt(grid.asked)[:, column])
    if population.interval is not None:
        return population
    basket = citation_rate.this_basket(cited, asked)
    return basket if basket.interval is not None else citation_rate.best(cited, asked)


def _judged(grid: _Grid, column: int, before: Week, week: Week) -> Week:
    """The week with its verdict against the one before."""
    if week.running:
        return week
    broken = before.reason if before.rate is None else week.reason if week.rate is None else ""
    if not broken and NO_PROMPTS in (before.reason, week.reason):
        broken = NO_PROMPTS
    if not broken and before.models != week.models and before.models and week.models:
        broken = f"the model served changed from {' '.join(before.models)} to {' '.join(week.models)}"
    if broken:
        return replace(week, verdict=Verdict.NOT_COMPARABLE, reason=broken)
    cited, asked = grid.by_prompt(grid.cited), grid.by_prompt(grid.asked)
    first, last = (Sweep(cited[:, j], asked[:, j]) for j in (column - 1, column))
    moved = citation_rate.change(first, last)
    both = (asked[:, column - 1] > 0) & (asked[:, column] > 0)
    was, now = cited[both, column - 1] > 0, cited[both, column] > 0
    won, lost = int((now & ~was).sum()), int((was & ~now).sum())
    gap = "" if week.week - before.week == timedelta(weeks=1) else f"since {before.week}"
    return replace(week, won=won, lost=lost, verdict=moved.verdict, reason=week.reason or moved.reason or gap)


def _overall(grid: _Grid, weeks: Sequence[Week]) -> tuple[Estimate | None, str]:
    """The rate over the full weeks, or why there is none."""
    full = [column for column, week in enumerate(weeks) if not week.running]
    reasons = [
        weeks[column].reason for column in full if weeks[column].rate is None or weeks[column].reason == NO_PROMPTS
    ]
    if reasons or not full:
        return None, reasons[0] if reasons else "no week is over yet"
    return citation_rate.over_time(grid.by_prompt(grid.cited)[:, full], grid.by_prompt(grid.asked)[:, full]), ""
