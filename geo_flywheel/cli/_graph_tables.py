"""The tables of `graph measures`: each measure as columns and rows."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from geo_flywheel.cli.output import Row, fields_of, names_of
from geo_flywheel.errors import ConfigError, NotIdentified

if TYPE_CHECKING:
    from geo_flywheel.graph.network import Graph, Ties

Table = tuple[list[str], list[Row]]

_NAMED = 8  # members of a community that are named
_CLEAR = 0.05  # modularity above that of shuffled ties from which communities mean something


def site_name(given: str) -> str:
    """Return the site that an address or a host belongs to.

    Raises:
        ConfigError: If it belongs to none.
    """
    from geo_flywheel.urls import site

    name = site(given if "://" in given else f"https://{given}/")
    if not name:
        raise ConfigError(f"{given!r} names no site; write it as example.com")
    return name


def measured(graph: "Graph", name: str, of: str, options: dict[str, Any]) -> Table:
    """Return the columns and the rows of one measure."""
    ties, names = (graph.cited_sites, graph.sites) if of == "sites" else (graph.cited, graph.pages)
    site = site_name(options["site"]) if options["site"] else None
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


def _ranks(shown: _Shown, ties: "Ties", weeks: int) -> Table:
    from geo_flywheel.graph.ranks import Rank, ranks

    rows: list[Row] = []
    for number, engine in enumerate(shown.graph.engines):
        count: dict[Any, int] = {}
        for rank in ranks(shown.graph, ties, len(shown.names), number, last=weeks):
            count[rank.week] = count.get(rank.week, 0) + shown(rank.unit)
            if shown(rank.unit) and (count[rank.week] <= shown.top or shown.own(rank.unit)):
                rows.append((*engine, *(fields_of(rank) | {"unit": shown.names[rank.unit]}).values()))
    return ["engine", "surface", *(shown.unit if name == "unit" else name for name in names_of(Rank))], rows


def _movement(shown: _Shown, ties: "Ties", seed: int) -> Table:
    from geo_flywheel.graph.movement import ESTIMAND, Step, movement

    rows: list[Row] = []
    for number, engine in enumerate(shown.graph.engines):
        steps = movement(shown.graph, ties, len(shown.names), number, last=shown.top, seed=seed)
        rows += [(*engine, *fields_of(step).values(), None if step.low is None else ESTIMAND) for step in steps]
    return ["engine", "surface", *names_of(Step), "estimand"], rows


def _survival(shown: _Shown, ties: "Ties", seed: int, *, curve: bool) -> Table:
    from geo_flywheel.graph import survival

    told: list[Row] = []
    curves: list[Row] = []
    for number, engine in enumerate(shown.graph.engines):
        try:
            found = survival.survival(shown.graph, ties, number, seed=seed)
        except NotIdentified as error:
            told.append((*engine, *[None] * 11, str(error)))
            continue
        told.append((*engine, *found.half_life, found.naive, *_left(found), found.missed, found.misfit, found.ties,
                     found.prompts, survival.ESTIMAND, found.reason))  # fmt: skip
        curves += [
            (*engine, *(_whole(value) for value in point), survival.ESTIMAND)
            for point in zip(*found.curve, strict=True)
        ]
    if curve:
        return ["engine", "surface", *survival.Curve._fields, "estimand"], curves
    return [
        "engine", "surface", "half_life_weeks", "low", "high", "naive_weeks", "alive_after_4", "alive_after_12",
        "missed", "misfit", "ties", "prompts", "estimand", "reason",
    ], told  # fmt: skip


def _left(found: Any) -> Iterator[float | None]:
    alive = found.curve.alive
    return (float(alive[age]) if age < len(alive) else None for age in (4, 12))


def _communities(shown: _Shown, ties: "Ties", seed: int) -> Table:
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
        "engine", "surface", "community", "prompts", f"{shown.unit}s", "modularity", "by_chance", "members", "reason",
    ], rows  # fmt: skip


def _bridges(shown: _Shown, ties: "Ties") -> Table:
    from geo_flywheel.graph.bridges import ESTIMAND, bridges

    rows: list[Row] = []
    for surface in sorted({engine.surface for engine in shown.graph.engines}):
        try:
            found = bridges(shown.graph, ties, surface)
        except NotIdentified as error:
            rows.append((surface, *[None] * 7, str(error)))
            continue
        engines = [shown.graph.engines[number].engine for number in found.engines]
        for bridge in [bridge for bridge in found.bridges if shown(bridge.unit)][: shown.top]:
            rates = {engine: round(rate, 4) for engine, rate in zip(engines, bridge.rates, strict=True)}
            estimand = None if bridge.low is None else ESTIMAND
            name, limits = shown.names[bridge.unit], (bridge.low, bridge.high)
            rows.append((surface, name, rates, bridge.participation, *limits, found.prompts, estimand, None))
    return ["surface", shown.unit, "rates", "participation", "low", "high", "prompts", "estimand", "reason"], rows


def _whole(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
