"""`graph`: neighbours of a site, measures of the whole, and files for other tools."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geo_flywheel.cli import Session
from geo_flywheel.cli.output import Command, Format, Row, format_option, say, write_rows
from geo_flywheel.errors import ConfigError, NotIdentified

if TYPE_CHECKING:
    from geo_flywheel.graph.network import Graph, Ties
    from geo_flywheel.store.graph import Choice

_DAY = click.DateTime(["%Y-%m-%d"])
_SECTIONS = ("ranks", "movement", "survival", "curve", "communities", "bridges")
_NAMED = 8  # members of a community that are named
_CLEAR = 0.05  # modularity above that of shuffled ties from which communities mean something
_Table = tuple[list[str], list[Row]]


@click.group("graph", short_help="Neighbours, measures and files of the content-citation graph.")
def command() -> None:
    """The graph of prompts, engines, pages and sites across weekly snapshots.

    Engines and surfaces are never pooled, and a week that still runs is marked or left out.
    """


def _part(made: Command) -> Command:
    """The options that choose a part of the graph."""
    for option in (
        click.option("--today", type=_DAY, help="Day that tells which week is running; default: today, UTC."),
        click.option("--since", type=_DAY, help="First week, by its Monday; default: all."),
        click.option("--surface", help="Only answers of this surface, such as api."),
        click.option("--engine", help="Only this engine."),
    ):
        made = option(made)
    return made


@command.command("neighbours")
@click.argument("site")
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, help="Neighbours of each engine.")
@_part
@format_option()
@click.pass_obj
def neighbours(session: Session, /, site: str, top: int, format_: Format, **part: Any) -> None:
    """Show which sites are cited together with SITE, and whether more often than chance.

    lift compares with two sites that have nothing to do with each other: above 1 they share prompts. same_prompt
    compares inside each prompt: above 1 they share answers. Both stand with 95% intervals over prompts, since answers
    to one prompt are no independent draws; each is for its own pair, so of twenty one may miss. Surest first.
    """
    from geo_flywheel.graph import neighbours as cocitation
    from geo_flywheel.store.database import open_store
    from geo_flywheel.store.graph import read_baskets

    with open_store(session.workspace().store_path, read_only=True) as store:
        found = read_baskets(store, site, _choice(part), today=_today(part))
    if not found:
        say(f"{site} was not cited in any week that is over; it may be consulted without being cited")
    rows: list[Row] = [
        (*baskets.engine, *_values(neighbour), baskets.made_of)
        for baskets in found
        for neighbour in cocitation.neighbours(baskets)[:top]
    ]
    names = [field.name for field in fields(cocitation.Neighbour)]
    write_rows(["engine", "surface", *names, "counted"], rows, format_)
    if format_ == "table" and rows:
        say(f"intervals: 95%, of the {cocitation.ESTIMAND}")


@command.command("measures")
@click.option("--measure", type=click.Choice(_SECTIONS), help="Only this one; needed for csv, ndjson and markdown.")
@click.option(
    "--of", type=click.Choice(["sites", "pages"]), default="sites", show_default=True, help="What is measured."
)
@click.option("--site", help="Only rows of this site or its pages, where rows are of sites or pages.")
@click.option(
    "--top",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Rows of each engine and week; own sites are shown beyond.",
)
@click.option("--weeks", type=click.IntRange(1), default=1, show_default=True, help="Weeks of ranks, the last ones.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed of whatever is drawn.")
@_part
@format_option()
@click.pass_obj
def measures(session: Session, /, measure: str | None, of: str, format_: Format, **options: Any) -> None:
    """Show who ranks where, what moves, how long citations last, who belongs together and who bridges engines.

    ranks: place by PageRank, authority (HITS) and credit along paths that never go back in time. movement: newcomers
    and leavers, and rank correlation beside what two halves of the same answers show. survival: half-life of a
    citation, with misses told apart from losses; curve: the same by age. communities: beside the modularity that
    shuffled ties reach. bridges: how evenly the engines of a surface cite a site on the same prompts.
    """
    if measure is None and format_ not in {"table", "json"}:
        raise ConfigError(f"one table at a time in {format_}; name it with --measure: {', '.join(_SECTIONS)}")
    graph = _read(session, options)
    options["own"] = session.workspace().config().own
    wanted = [measure] if measure else [name for name in _SECTIONS if name != "curve" or format_ == "json"]
    tables = {name: _measured(graph, name, of, options) for name in wanted}
    if measure:
        write_rows(*tables[measure], format_)
    elif format_ == "json":
        write_rows(wanted, [[_objects(*tables[name]) for name in wanted]], "json")
    else:
        for name, (columns, rows) in tables.items():
            click.echo(f"{name} of {of}")
            write_rows(columns, rows)
            click.echo()


@command.command("export")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--site", help="Only what lies around this site; default: everything.")
@click.option("--hops", type=click.IntRange(1, 8), default=2, show_default=True, help="How far around it.")
@_part
@click.pass_obj
def export(session: Session, /, path: Path, site: str | None, hops: int, **part: Any) -> None:
    """Write the graph to PATH: .graphml, .gexf, .json (networkx node-link) or .parquet (nodes and edges, any size).

    One hop from a site are its pages and corpora, two the cells that cite or consult them (a cell is one engine, prompt
    and week), three what else these have to do with.
    """
    from geo_flywheel.graph.exports import export as write
    from geo_flywheel.graph.faces import Faces

    graph = _read(session, part)
    faces = Faces(graph, site=_site(site) if site else None, hops=hops)
    for file in write(faces, path):
        say(f"{file}: {len(faces.nodes):,} nodes, {len(faces.edges.kind):,} edges")


def _read(session: Session, part: dict[str, Any]) -> "Graph":
    from geo_flywheel.store.database import open_store
    from geo_flywheel.store.graph import read_graph

    with open_store(session.workspace().store_path, read_only=True) as store:
        return read_graph(store, _choice(part), today=_today(part))


def _choice(part: dict[str, Any]) -> "Choice":
    from geo_flywheel.store.graph import Choice

    since: datetime | None = part["since"]
    return Choice(since.date() if since else None, part["engine"], part["surface"])


def _today(part: dict[str, Any]) -> Any:
    return part["today"].date() if part["today"] else None


def _site(given: str) -> str:
    from geo_flywheel.urls import site

    name = site(given if "://" in given else f"https://{given}/")
    if not name:
        raise ConfigError(f"{given!r} names no site; write it as example.com")
    return name


def _measured(graph: "Graph", name: str, of: str, options: dict[str, Any]) -> _Table:
    ties, names = (graph.cited_sites, graph.sites) if of == "sites" else (graph.cited, graph.pages)
    site = _site(options["site"]) if options["site"] else None
    if site is not None and site not in graph.sites:
        raise ConfigError(f"{site} is not in this part of the graph; ask for more weeks, or for all engines")
    shown = _Shown(graph, names, of, site, options["top"], options["own"])
    match name:
        case "ranks":
            return _ranks(shown, ties, options["weeks"])
        case "movement":
            return _movement(shown, ties, options["seed"])
        case "communities":
            return _communities(shown, ties, options["seed"])
        case "bridges":
            return _bridges(shown, ties)
    return _survival(shown, ties, options["seed"], curve=name == "curve")


class _Shown:
    """Which units are shown, and by which names."""

    def __init__(self, graph: "Graph", names: Any, of: str, site: str | None, top: int, own: Sequence[str]) -> None:
        self.graph, self.names, self.top, self.unit = graph, names, top, of[:-1]
        self._site = None if site is None else graph.sites.index(site)
        self._of_pages = of == "pages"
        self._own = {graph.sites.index(name) for name in own if name in graph.sites}

    def __call__(self, unit: int) -> bool:
        if self._site is None:
            return True
        return self._site_of(unit) == self._site

    def own(self, unit: int) -> bool:
        """Whether it is, or belongs to, a site of one's own, which is shown wherever it stands."""
        return self._site_of(unit) in self._own

    def _site_of(self, unit: int) -> int:
        return int(self.graph.site_of[unit]) if self._of_pages else unit


def _ranks(shown: _Shown, ties: "Ties", weeks: int) -> _Table:
    from geo_flywheel.graph.ranks import Rank, ranks

    names = [field.name for field in fields(Rank)]
    rows: list[Row] = []
    for number, engine in enumerate(shown.graph.engines):
        count: dict[Any, int] = {}
        for rank in ranks(shown.graph, ties, len(shown.names), number, last=weeks):
            count[rank.week] = count.get(rank.week, 0) + shown(rank.unit)
            if shown(rank.unit) and (count[rank.week] <= shown.top or shown.own(rank.unit)):
                rows.append((*engine, *(asdict(rank) | {"unit": shown.names[rank.unit]}).values()))
    return ["engine", "surface", *(shown.unit if name == "unit" else name for name in names)], rows


def _movement(shown: _Shown, ties: "Ties", seed: int) -> _Table:
    from geo_flywheel.graph.movement import Step, movement

    rows: list[Row] = []
    for number, engine in enumerate(shown.graph.engines):
        steps = movement(shown.graph, ties, len(shown.names), number, last=shown.top, seed=seed)
        rows += [(*engine, *_values(step)) for step in steps]
    return ["engine", "surface", *(field.name for field in fields(Step))], rows


def _survival(shown: _Shown, ties: "Ties", seed: int, *, curve: bool) -> _Table:
    from geo_flywheel.graph import survival

    told: list[Row] = []
    curves: list[Row] = []
    for number, engine in enumerate(shown.graph.engines):
        try:
            found = survival.survival(shown.graph, ties, number, seed=seed)
        except NotIdentified as error:
            told.append((*engine, *[None] * 10, str(error)))
            continue
        told.append((*engine, *found.half_life, found.naive, *_left(found), found.missed, found.misfit, found.ties,
                     found.prompts, found.reason))  # fmt: skip
        curves += [(*engine, *(_whole(value) for value in point)) for point in zip(*found.curve, strict=True)]
    if curve:
        return ["engine", "surface", *survival.Curve._fields], curves
    return [
        "engine", "surface", "half_life_weeks", "low", "high", "naive_weeks", "alive_after_4", "alive_after_12",
        "missed", "misfit", "ties", "prompts", "reason",
    ], told  # fmt: skip


def _left(found: Any) -> Iterator[float | None]:
    alive = found.curve.alive
    return (float(alive[age]) if age < len(alive) else None for age in (4, 12))


def _communities(shown: _Shown, ties: "Ties", seed: int) -> _Table:
    import numpy as np

    from geo_flywheel.graph.communities import communities, over_time

    rows: list[Row] = []
    for number, engine in enumerate(shown.graph.engines):
        matrix = over_time(shown.graph, ties, len(shown.names), number)
        try:
            found = communities(matrix, seed=seed)
        except ConfigError as error:
            rows.append((*engine, *[None] * 6, str(error)))
            continue
        weight = np.asarray(matrix.sum(axis=0), np.float64).ravel()
        for label in range(min(int(max(found.unit.max(initial=-1), -1)) + 1, shown.top)):
            members = np.flatnonzero(found.unit == label)
            if any(shown(int(unit)) for unit in members):
                best = members[np.argsort(-weight[members], kind="stable")][:_NAMED]
                note = "" if found.modularity > found.by_chance + _CLEAR else "no more than shuffled ties reach"
                rows.append((
                    *engine, label, int((found.prompt == label).sum()), len(members), found.modularity, found.by_chance,
                    ", ".join(shown.names[unit] for unit in best), note,
                ))  # fmt: skip
    return [
        "engine",
        "surface",
        "community",
        "prompts",
        f"{shown.unit}s",
        "modularity",
        "by_chance",
        "members",
        "reason",
    ], rows


def _bridges(shown: _Shown, ties: "Ties") -> _Table:
    from geo_flywheel.graph.bridges import bridges

    rows: list[Row] = []
    for surface in sorted({engine.surface for engine in shown.graph.engines}):
        try:
            found = bridges(shown.graph, ties, surface)
        except NotIdentified as error:
            rows.append((surface, *[None] * 6, str(error)))
            continue
        engines = [shown.graph.engines[number].engine for number in found.engines]
        kept = [bridge for bridge in found.bridges if shown(bridge.unit)][: shown.top]
        rows += [
            (surface, shown.names[bridge.unit], dict(zip(engines, bridge.rates, strict=True)), bridge.participation,
             bridge.low, bridge.high, found.prompts, None)
            for bridge in kept
        ]  # fmt: skip
    return ["surface", shown.unit, "rates", "participation", "low", "high", "prompts", "reason"], rows


def _values(record: Any) -> tuple[object, ...]:
    return tuple(getattr(record, field.name) for field in fields(record))


def _whole(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _objects(columns: list[str], rows: list[Row]) -> list[dict[str, object]]:
    return [dict(zip(columns, row, strict=True)) for row in rows]
