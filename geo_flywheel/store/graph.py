"""Read the content-citation graph out of the store, as arrays: the SQL of it, and none of its numbers."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from geo_flywheel.errors import ConfigError
from geo_flywheel.graph.network import (
    NOBODY,
    Cells,
    Engine,
    Floats,
    Graph,
    Ints,
    Links,
    Presence,
    State,
    Ties,
)
from geo_flywheel.store.database import Store

_STATES = {"present": State.OBSERVED, "absent": State.NOT_OBSERVED, "unknown": State.UNKNOWN}

_CELLS = """
SELECT engine, surface, week, topic, coalesce(prompt_no, -1) AS prompt_no,
    CASE WHEN topic <> '' THEN -1 - dense_rank() OVER (ORDER BY topic) ELSE coalesce(prompt_no, -1) END AS asked_with,
    coalesce(CAST(asked AS DOUBLE), 'nan') AS asked,
    CAST(dense_rank() OVER (ORDER BY engine, surface) - 1 AS INTEGER) AS engine_no,
    CAST(dense_rank() OVER (ORDER BY week) - 1 AS INTEGER) AS snapshot
FROM graph_cells
WHERE ($1 IS NULL OR week >= $1) AND ($2 IS NULL OR engine = $2)
    AND ($3 IS NULL OR surface = $3)
ORDER BY engine, surface, week, asked_with
"""
# Joined by numbers: the cell of each answer first, so that ten million citations meet no text.
_ANSWERED = """
SELECT a.answer_no, c.cell
FROM answers AS a
JOIN graph_cell AS c ON c.engine = a.engine AND c.surface = a.surface AND c.week = a.week
    AND c.prompt_no = coalesce(a.prompt_no, -1) AND c.topic = CASE WHEN a.prompt_no IS NULL THEN a.topic ELSE '' END
WHERE a.delivered
"""
_SIGHTED = """
SELECT c.cell, o.page_no, o.observed_at, o.cited, o.asked
FROM observations AS o
JOIN graph_cell AS c ON c.engine = o.engine AND c.surface = o.surface AND c.week = o.week
    AND c.prompt_no = coalesce(o.prompt_no, -1) AND c.topic = CASE WHEN o.prompt_no IS NULL THEN o.topic ELSE '' END
WHERE o.cited > 0 AND o.page_no IS NOT NULL
"""
_CITED = """
SELECT cell, page_no AS unit, CAST(sum(cited) AS DOUBLE) AS seen FROM (
    SELECT a.cell, c.page_no, 1 AS cited FROM citation AS c JOIN answered AS a USING (answer_no)
    UNION ALL SELECT cell, page_no, cited FROM sighted
) AS t GROUP BY ALL ORDER BY cell, unit
"""
# Counts of several pages of a site in one sighted cell may overlap: then the fewest answers they can be.
_CITED_SITES = """
SELECT cell, site_no AS unit, CAST(sum(cited) AS DOUBLE) AS seen FROM (
    SELECT a.cell, e.site_no, 1 AS cited
    FROM (SELECT DISTINCT c.answer_no, s.site_no FROM citation AS c JOIN page_site AS s USING (page_no)) AS e
    JOIN answered AS a USING (answer_no)
    UNION ALL
    SELECT o.cell, s.site_no, max(o.cited) AS cited FROM sighted AS o JOIN page_site AS s USING (page_no)
    GROUP BY o.cell, s.site_no, o.observed_at
) AS t GROUP BY ALL ORDER BY cell, unit
"""
_RETRIEVED = """
SELECT a.cell, t.page_no AS unit, CAST(count(DISTINCT t.answer_no) AS DOUBLE) AS seen
FROM retrieval AS t JOIN answered AS a USING (answer_no) GROUP BY ALL ORDER BY cell, unit
"""
_FAN_OUT = """
SELECT a.cell, q.query AS unit, CAST(count(DISTINCT q.answer_no) AS DOUBLE) AS seen
FROM fan_out AS q JOIN answered AS a USING (answer_no) GROUP BY ALL ORDER BY cell, unit
"""
_PRESENCES = """
SELECT page_no, CASE WHEN unit_kind <> 'page' THEN site END AS site, corpus, state, observed_on
FROM presences
WHERE page_no IS NOT NULL OR (unit_kind <> 'page' AND site IN (SELECT site FROM page WHERE site <> ''))
ORDER BY corpus, site, unit, state
"""
_TIES = {"cited": _CITED, "cited_sites": _CITED_SITES, "retrieved": _RETRIEVED, "fan_out": _FAN_OUT}
_LINKS = """
SELECT from_page_no, to_page_no, first_seen, last_seen FROM page_links
WHERE from_page_no IS NOT NULL AND to_page_no IS NOT NULL ORDER BY ALL
"""
_PAGES = "SELECT page_no, url, site, site_no FROM page_sites ORDER BY page_no"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which part of the graph is read; None for all of it."""

    since: date | None = None
    engine: str | None = None
    surface: str | None = None


@dataclass(frozen=True, slots=True)
class _Asking:
    """What was asked; `joined` ties the cells to the rows of the store."""

    engines: tuple[Engine, ...]
    snapshots: tuple[date, ...]
    prompts: list[tuple[str, str]]
    cells: Cells
    joined: pa.Table


def read_graph(store: Store, choice: Choice | None = None, *, today: date | None = None) -> Graph:
    """Read the whole graph, or that of one engine or of the weeks since a day.

    Args:
        store: Open for reading.
        choice: Which part.
        today: Day that tells which week is running; default: today, UTC.

    Raises:
        ConfigError: If there is nothing of that kind.
    """
    asking = _asking(store, choice or Choice())
    pages = store.table(_PAGES)
    page_no = _numbers(pages, "page_no")
    owned = pa.array([name != "" for name in pages.column("site").to_pylist()], pa.bool_())
    site_no = np.where(owned.to_numpy(zero_copy_only=False), _numbers(pages, "site_no"), NOBODY)
    site_numbers = np.unique(site_no[site_no != NOBODY])
    sites = pages.column("site").take(np.searchsorted(page_no, site_numbers)).to_pylist()
    with ExitStack() as stack:
        stack.enter_context(store.staged("graph_cell", asking.joined))
        stack.enter_context(store.staged("page_site", pages.filter(owned).select(["page_no", "site_no"])))
        stack.enter_context(store.staged("answered", store.table(_ANSWERED)))
        stack.enter_context(store.staged("sighted", store.table(_SIGHTED)))
        ties = {name: store.table(sql) for name, sql in _TIES.items()}
    query = ties["fan_out"].column("unit").combine_chunks().dictionary_encode()
    corpora = [row[0] for row in store.rows("SELECT DISTINCT corpus FROM presences ORDER BY ALL")]
    return Graph(
        engines=asking.engines,
        snapshots=asking.snapshots,
        running=asking.snapshots[-1] + timedelta(weeks=1) > day_or_today(today),
        prompts=[name for name, _ in asking.prompts],
        questions=[text for _, text in asking.prompts],
        pages=pages.column("url").to_pylist(),
        site_of=_renumbered(site_no, site_numbers),
        sites=sites,
        queries=query.dictionary.to_pylist(),
        corpora=corpora,
        cells=asking.cells,
        cited=_ties(ties["cited"], page_no),
        cited_sites=_ties(ties["cited_sites"], site_numbers),
        retrieved=_ties(ties["retrieved"], page_no),
        fan_out=Ties(
            _numbers(ties["fan_out"], "cell"), query.indices.to_numpy().astype(np.int32), _counts(ties["fan_out"])
        ),
        presence=_presence(store.table(_PRESENCES), page_no, sites, corpora),
        links=_links(store.table(_LINKS), page_no),
    )


def _asking(store: Store, choice: Choice) -> _Asking:
    rows = store.table(_CELLS, [choice.since, choice.engine, choice.surface])
    if not rows.num_rows:
        raise ConfigError(
            "no answer and no sighting of that kind has a date; import or crawl something first, or ask for more"
        )
    asked_with = _numbers(rows, "asked_with")
    named = {row[0]: (row[1], row[2]) for row in store.rows("SELECT prompt_no, prompt_id, text FROM prompt")}
    topics = dict(zip(asked_with.tolist(), rows.column("topic").to_pylist(), strict=True))
    prompts = {number: named.get(number, (topics[number],) * 2) for number in sorted(topics) if number != NOBODY}
    order = {number: place for place, number in enumerate(prompts)} | {NOBODY: NOBODY}
    pairs = zip(rows.column("engine").to_pylist(), rows.column("surface").to_pylist(), strict=True)
    return _Asking(
        engines=tuple(Engine(*pair) for pair in sorted(set(pairs))),
        snapshots=tuple(sorted(set(rows.column("week").to_pylist()))),
        prompts=list(prompts.values()),
        cells=Cells(
            engine=_numbers(rows, "engine_no"),
            snapshot=_numbers(rows, "snapshot"),
            prompt=np.array([order[number] for number in asked_with.tolist()], np.int32),
            asked=np.asarray(rows.column("asked").to_numpy(), np.float64),
        ),
        joined=rows.select(["engine", "surface", "week", "prompt_no", "topic"]).append_column(
            "cell", pa.array(np.arange(rows.num_rows, dtype=np.int32))
        ),
    )


def _presence(rows: pa.Table, page_no: NDArray[Any], sites: Sequence[str], corpora: Sequence[str]) -> Presence:
    site, corpus = {name: i for i, name in enumerate(sites)}, {name: i for i, name in enumerate(corpora)}
    pages = [NOBODY if number is None else number for number in rows.column("page_no").to_pylist()]
    return Presence(
        page=_renumbered(np.array(pages, np.int64), page_no),
        site=np.array([site.get(name, NOBODY) for name in rows.column("site").to_pylist()], np.int32),
        corpus=np.array([corpus[name] for name in rows.column("corpus").to_pylist()], np.int32),
        state=np.array([_STATES[state] for state in rows.column("state").to_pylist()], np.int8),
        day=np.array(rows.column("observed_on").to_pylist(), "datetime64[D]"),
    )


def _links(rows: pa.Table, page_no: NDArray[Any]) -> Links:
    return Links(
        source=_renumbered(_numbers(rows, "from_page_no"), page_no),
        target=_renumbered(_numbers(rows, "to_page_no"), page_no),
        first=rows.column("first_seen").to_numpy().astype("datetime64[D]"),
        last=rows.column("last_seen").to_numpy().astype("datetime64[D]"),
    )


def _ties(rows: pa.Table, numbers: NDArray[Any]) -> Ties:
    return Ties(_numbers(rows, "cell"), _renumbered(_numbers(rows, "unit"), numbers), _counts(rows))


def day_or_today(today: date | None) -> date:
    """Return the day, or today in UTC when there is none."""
    return datetime.now(UTC).date() if today is None else today


def _renumbered(values: NDArray[Any], numbers: NDArray[Any]) -> Ints:
    """The place of each value among ascending numbers, NOBODY where it is not one of them."""
    if not len(numbers):
        return np.full(len(values), NOBODY, np.int32)
    place = np.minimum(np.searchsorted(numbers, values), len(numbers) - 1)
    return np.where(numbers[place] == values, place, NOBODY).astype(np.int32)


def _numbers(rows: pa.Table, name: str) -> Ints:
    return np.asarray(rows.column(name).to_numpy(), np.int32)


def _counts(rows: pa.Table) -> Floats:
    return np.asarray(rows.column("seen").to_numpy(), np.float64)
