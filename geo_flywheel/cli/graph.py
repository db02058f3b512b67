"""`graph`: neighbours of a site, measures of the whole, and files for other tools."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geo_flywheel.cli import Session
from geo_flywheel.cli.output import Command, Format, Row, fields_of, format_option, names_of, say, write_rows
from geo_flywheel.errors import ConfigError

if TYPE_CHECKING:
    from geo_flywheel.cli._graph_tables import Table
    from geo_flywheel.graph.network import Graph
    from geo_flywheel.store.graph import Choice

_MEASURES = ("ranks", "movement", "survival", "curve", "communities", "bridges")
_DAY = click.DateTime(["%Y-%m-%d"])


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
    from geo_flywheel.store.baskets import read_baskets
    from geo_flywheel.store.database import open_store

    with open_store(session.workspace().store_path, read_only=True) as store:
        found = read_baskets(store, site, _choice(part), today=_today(part))
    if not found:
        say(f"{site} was not cited in any week that is over; it may be consulted without being cited")
    rows: list[Row] = [
        (*baskets.engine, *fields_of(neighbour).values(), baskets.made_of, neighbour.low and cocitation.ESTIMAND)
        for baskets in found
        for neighbour in cocitation.neighbours(baskets)[:top]
    ]
    _write((["engine", "surface", *names_of(cocitation.Neighbour), "counted", "estimand"], rows), format_)


@command.command("measures")
@click.option("--measure", type=click.Choice(_MEASURES), help="Only this one; needed for csv, ndjson and markdown.")
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
        raise ConfigError(f"one table at a time in {format_}; name it with --measure: {', '.join(_MEASURES)}")
    from geo_flywheel.cli._graph_tables import measured

    graph = _read(session, options)
    options["own"] = session.workspace().config().own
    wanted = [measure] if measure else [name for name in _MEASURES if name != "curve" or format_ == "json"]
    tables = {name: measured(graph, name, of, options) for name in wanted}
    if measure:
        _write(tables[measure], format_)
    elif format_ == "json":
        write_rows(wanted, [[_objects(*tables[name]) for name in wanted]], "json")
    else:
        for name, table in tables.items():
            click.echo(f"{name} of {of}")
            _write(table, "table")
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
    from geo_flywheel.cli._graph_tables import site_name
    from geo_flywheel.graph.exports import export as write
    from geo_flywheel.graph.faces import Faces

    graph = _read(session, part)
    faces = Faces(graph, site=site_name(site) if site else None, hops=hops)
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


def _write(table: "Table", format_: Format) -> None:
    """Write rows; what the intervals of a table are of is said once beside it."""
    columns, rows = table
    if format_ != "table" or "estimand" not in columns:
        write_rows(columns, rows, format_)
        return
    place = columns.index("estimand")
    write_rows([*columns[:place], *columns[place + 1 :]], [(*row[:place], *row[place + 1 :]) for row in rows])
    for estimand in sorted({str(row[place]) for row in rows if row[place] is not None}):
        say(f"95% intervals of: {estimand}")


def _objects(columns: list[str], rows: list[Row]) -> list[dict[str, object]]:
    return [dict(zip(columns, row, strict=True)) for row in rows]
