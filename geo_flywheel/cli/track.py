"""`track` and `compare`: a site's trajectory on the terminal, as JSON or as CSV."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from geo_flywheel.cli import Session
from geo_flywheel.cli.output import Format, fields_of, format_option, write_rows
from geo_flywheel.errors import ConfigError

if TYPE_CHECKING:
    from geo_flywheel.estimate import Estimate
    from geo_flywheel.track import Series, Trajectory, Week
    from geo_flywheel.track.signals import LoggedWeek

_COLUMNS = (
    "site", "engine", "surface", "week", "running", "sightings", "pages", "days", "position", "cited", "asked",
    "prompts", "rate", "low", "high", "estimand", "won", "lost", "verdict", "reason", "models",
)  # fmt: skip
_STATES = (
    "week", "cited", "asked", "rate", "95% interval", "visits by referrer", "visits by utm", "training fetches",
    "search fetches", "days logged",
)  # fmt: skip
_BARS = "▁▂▃▄▅▆▇█"
_MARKS = {"this sweep, population of prompts": "*", "this basket, this sweep": "†"}
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("sites", nargs=-1, metavar="[SITE]...")
@click.option("--weeks", type=click.IntRange(1), default=13, show_default=True, help="Weeks shown in the table.")
@click.option("--today", type=_DAY, help="Day that tells which week is running; default: today, UTC.")
@format_option("table", ("table", "json", "csv"))
@click.pass_obj
def track(session: Session, sites: tuple[str, ...], weeks: int, today: datetime | None, format_: Format) -> None:
    """Show the trajectory of SITE (default: your own sites): citations per engine and in total, engagement, presence.

    Every rate stands with its numerator, denominator and 95% interval, named by what it is an interval for; where a
    source does not say what was asked, no rate is made up.
    """
    own = sites or session.workspace().config().own
    if not own:
        raise ConfigError("no site named, and [site] own in geo-flywheel.toml is empty; write: geo-flywheel track SITE")
    _write(_trajectories(session, own, today), format_, weeks)


@click.command()
@click.argument("sites", nargs=-1, metavar="[SITE SITE]...")
@click.option("--today", type=_DAY, help="Day that tells which week is running; default: today, UTC.")
@format_option()
@click.pass_obj
def compare(session: Session, sites: tuple[str, ...], today: datetime | None, format_: Format) -> None:
    """Set sites side by side (default: your own and their rivals): over all full weeks, per engine and in total.

    Rivals on the same prompts share the same denominators, so their intervals are not independent; look at the order
    and the widths, not at whether two intervals touch.
    """
    config = session.workspace().config()
    found = _trajectories(session, sites or (*config.own, *config.rivals), today)
    columns = ("engine", "surface", "site", "cited", "asked", "rate", "low", "high", "estimand", "sightings", "pages")
    rows = [_summary(trajectory.site, series) for trajectory in found for series in trajectory.series]
    rows.sort(key=lambda row: (str(row[0]), str(row[1]), -(row[5] or 0), -row[9]))
    write_rows((*columns, "weeks", "reason"), rows, format_)


def _trajectories(session: Session, sites: Sequence[str], today: datetime | None) -> "list[Trajectory]":
    from geo_flywheel.store.database import open_store
    from geo_flywheel.track import track as trajectory

    with open_store(session.workspace().store_path, read_only=True) as store:
        return [trajectory(store, site, today.date() if today else None) for site in sites]


def _write(found: "Sequence[Trajectory]", format_: Format, weeks: int) -> None:
    if format_ == "csv":
        write_rows(_COLUMNS, [row for trajectory in found for row in _rows(trajectory)], "csv")
    elif format_ == "json":
        write_rows(
            ("site", "weeks", "overall", "presence", "logged", "told"),
            [
                (
                    trajectory.site,
                    [dict(zip(_COLUMNS[1:], row[1:], strict=True)) for row in _rows(trajectory)],
                    [_overall(series) for series in trajectory.series],
                    [fields_of(corpus) for corpus in trajectory.presence],
                    [fields_of(week) for week in trajectory.logged],
                    [fields_of(week) for week in trajectory.told],
                )
                for trajectory in found
            ],
            "json",
        )
    else:
        for trajectory in found:
            _show(trajectory, weeks)


def _rows(trajectory: "Trajectory") -> list[list[object]]:
    return [
        [trajectory.site, series.engine, series.surface, *_week_row(week)]
        for series in trajectory.series
        for week in series.weeks
    ]


def _week_row(week: "Week") -> list[object]:
    return [
        week.week, week.running, week.sightings, week.pages, week.days, week.position, week.cited, week.asked,
        week.prompts, *_rate(week.rate), week.won, week.lost, week.verdict and str(week.verdict), week.reason,
        " ".join(week.models),
    ]  # fmt: skip


def _rate(estimate: "Estimate | None") -> tuple[object, object, object, object]:
    """Rate, low, high and estimand; None for each the data do not carry."""
    if estimate is None:
        return None, None, None, None
    limits = estimate.interval
    return estimate.value, limits and limits.low, limits and limits.high, limits and limits.estimand


def _overall(series: "Series") -> dict[str, object]:
    names = ("engine", "surface", "cited", "asked", "rate", "low", "high", "estimand", "reason")
    counts = series.overall.diagnostics if series.overall else {}
    reason = series.overall.reason if series.overall else series.unknown
    values = (series.engine, series.surface, counts.get("cited"), counts.get("asked"), *_rate(series.overall), reason)
    return dict(zip(names, values, strict=True))


def _summary(site: str, series: "Series") -> list[Any]:
    """The site over all full weeks; while these are too few for that, in the newest of them."""
    said = _overall(series)
    full = [week for week in series.weeks if not week.running]
    if said["low"] is None and full and full[-1].rate is not None and full[-1].rate.interval is not None:
        week = full[-1]
        names = ("cited", "asked", "rate", "low", "high", "estimand")
        said |= dict(zip(names, (week.cited, week.asked, *_rate(week.rate)), strict=True))
        said["estimand"] = f"{said['estimand']}, week of {week.week}"
    limits = [said[name] for name in ("cited", "asked", "rate", "low", "high", "estimand")]
    seen = sum(week.sightings for week in full)
    return [series.engine, series.surface, site, *limits, seen, series.pages, len(full), said["reason"]]


def _show(trajectory: "Trajectory", weeks: int) -> None:
    click.echo(f"{trajectory.site}\n")
    if not trajectory.series:
        click.echo("nothing is in the store yet: import or crawl something first\n")
    for series in trajectory.series:
        _show_series(series, weeks)
    _show_states(trajectory, weeks)
    _show_told(trajectory, weeks)
    _show_presence(trajectory)


def _show_series(series: "Series", weeks: int) -> None:
    click.echo(f"{series.engine} ({series.surface})  {_sparkline(series)}  {_headline(series)}")
    shown = series.weeks[-weeks:]
    if any(week.rate is not None for week in series.weeks):
        columns = ["week", "cited", "asked", "prompts", "rate", "95% interval", "position", "pages", "won", "lost"]
        rows = [
            [_monday(w), w.cited, w.asked, w.prompts, _percent(w.rate), _limits(w), w.position, w.pages, w.won, w.lost]
            for w in shown
        ]
    else:
        columns = ["week", "sightings", "pages", "days", "position", "rate"]
        rows = [[_monday(w), w.sightings, w.pages, w.days, w.position, "not known"] for w in shown]
    write_rows([*columns, "against the week before"], [[*row, _verdict(w)] for row, w in zip(rows, shown, strict=True)])
    for estimand in sorted({w.rate.interval.estimand for w in shown if w.rate and w.rate.interval}):
        click.echo(f"{_MARKS[estimand]} 95% interval of: {estimand}")
    click.echo(_chance(series))
    if len(shown) < len(series.weeks):
        click.echo(f"{len(shown)} of {len(series.weeks)} weeks shown (--weeks)")
    click.echo()


def _chance(series: "Series") -> str:
    """How many weeks moved, beside how many would by chance alone."""
    judged = [str(w.verdict) for w in series.weeks if w.verdict in {"moved up", "moved down", "within noise"}]
    if not judged:
        return "no two weeks can be compared"
    moved = len(judged) - judged.count("within noise")
    return f"{moved} of {len(judged)} comparisons moved; about {len(judged) / 20:.1f} would by chance alone"


def _headline(series: "Series") -> str:
    overall = series.overall
    if overall is None or overall.value is None:
        return f"rate: not known ({series.unknown})"
    counts = f"{overall.diagnostics['cited']:.0f}/{overall.diagnostics['asked']:.0f}"
    if overall.interval is None:
        return f"over time {overall.value:.1%} ({counts}; no interval: {overall.reason})"
    return f"over time {overall.value:.1%} [{overall.interval.low:.1%}, {overall.interval.high:.1%}] ({counts})"


def _sparkline(series: "Series") -> str:
    """One bar a week, of rates or, where no week has one, of sightings; a space for a week that has none."""
    rated = any(week.rate is not None for week in series.weeks)
    found = {week.week: _height(week, rated=rated) for week in series.weeks}
    top = max((height for height in found.values() if height is not None), default=0) or 1
    first, last = min(found), max(found)
    heights = [found.get(first + timedelta(days=day)) for day in range(0, (last - first).days + 1, 7)]
    return "".join(" " if height is None else _BARS[round(height / top * (len(_BARS) - 1))] for height in heights)


def _height(week: "Week", *, rated: bool) -> float | None:
    if not rated:
        return float(week.sightings)
    return week.rate.value if week.rate is not None else None


def _monday(week: "Week") -> str:
    return f"{week.week}{' (running)' if week.running else ''}"


def _percent(rate: "Estimate | None") -> str:
    return "not known" if rate is None or rate.value is None else f"{rate.value:.1%}"


def _limits(week: "Week") -> str:
    if week.rate is None or week.rate.interval is None:
        return f"none: {week.reason}" if week.rate is not None else week.reason
    limits = week.rate.interval
    return f"{limits.low:.1%} to {limits.high:.1%} {_MARKS[limits.estimand]}"


def _verdict(week: "Week") -> str:
    if week.verdict is None:
        return "-"
    told = week.verdict == "not comparable" or week.reason.startswith("since ")
    return f"{week.verdict} ({week.reason})" if told else str(week.verdict)


def _show_states(trajectory: "Trajectory", weeks: int) -> None:
    """Citations, visits and fetches side by side."""
    pooled = trajectory.pooled
    click.echo("citations, engagement and presence side by side")
    if not trajectory.logged:
        click.echo("engagement and fetches: unknown; no access log of the site is in the store\n")
        return
    cited = {week.week: week for week in pooled.weeks} if pooled else {}
    logged = {week.week: week for week in trajectory.logged}
    shown = sorted({*cited, *logged})[-weeks:]
    write_rows(_STATES, [_state_row(week, cited.get(week), logged.get(week)) for week in shown])
    if pooled:
        click.echo(f"cited: {pooled.engine} ({pooled.surface})")
    click.echo("visits: out of assistants, the least there were; fetches: by crawlers that are who they say")
    click.echo()


def _state_row(week: date, cited: "Week | None", logged: "LoggedWeek | None") -> list[object]:
    running = bool((cited and cited.running) or (logged and logged.running))
    citations: list[object] = [None] * 4
    if cited is not None:
        limits = _limits(cited) if cited.rate is not None else cited.reason
        citations = [cited.cited, cited.asked, _percent(cited.rate), limits]
    counts: list[object] = [None] * 5
    if logged is not None:
        counts = [logged.by_referrer, logged.by_utm, logged.training, logged.search, logged.days]
    return [f"{week}{' (running)' if running else ''}", *citations, *counts]


def _show_told(trajectory: "Trajectory", weeks: int) -> None:
    """What analytics tools count, where any is in the store."""
    shown = sorted({told.week for told in trajectory.told})[-weeks:]
    if not shown:
        return
    click.echo("visits out of assistants as analytics tools count them; each counts the same visits in its own way")
    rows = [told for told in trajectory.told if told.week in shown]
    write_rows(list(fields_of(rows[0])), [list(fields_of(told).values()) for told in rows])
    click.echo()


def _show_presence(trajectory: "Trajectory") -> None:
    click.echo("training presence")
    if not trajectory.presence:
        click.echo("unknown: no table of training presence is in the store\n")
        return
    columns = list(fields_of(trajectory.presence[0]))
    write_rows(columns, [list(fields_of(corpus).values()) for corpus in trajectory.presence])
    click.echo()


commands = [track, compare]
