"""`geo-flywheel schedule`: when the sweeps come again."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from geo_flywheel.cli import Session
from geo_flywheel.cli.output import Format, format_option, say, write_rows
from geo_flywheel.errors import ConfigError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from crawlers.due import Crawl, Doing
    from crawlers.leases import Lease
    from crawlers.schedule import Gap, Slot
    from geo_flywheel.config import Config
    from geo_flywheel.crawl_config import ScheduledJob
    from geo_flywheel.workspace import Workspace


@click.group()
def command() -> None:
    """When sweeps come again: show, next, run, install."""


@command.command()
@format_option()
@click.pass_obj
def show(session: Session, format_: Format) -> None:
    """Show each job: when it comes, its latest slot and what came of it, and its next slot."""
    from crawlers.schedule import slots

    workspace = session.workspace()
    columns = ("job", "cron", "timezone", "catch_up", "latest_slot", "outcome", "next_slot", "next_slot_there")
    rows = []
    for job in _jobs(workspace.config()):
        latest, following = _latest(workspace, job), next(slots(job, now()), None)
        what = (latest.slot, _state(latest)) if latest else (None, None)
        rows.append([job.name, job.cron, job.timezone, job.catch_up, *what, following, _there(job, following)])
    write_rows(columns, rows, format_)


@command.command(name="next")
@click.option("--count", type=click.IntRange(1, 10_000), default=10, show_default=True, help="How many slots.")
@format_option()
@click.pass_obj
def next_(session: Session, count: int, format_: Format) -> None:
    """Show the next slots of all jobs, in UTC and in the job's own zone."""
    from heapq import merge
    from itertools import islice

    from crawlers.schedule import slots

    def of(job: "ScheduledJob") -> "list[list[object]]":
        return [[at, job.name, _there(job, at), job.timezone] for at in islice(slots(job, moment), count)]

    moment = now()
    rows = merge(*(of(job) for job in _jobs(session.workspace().config())), key=lambda row: str(row[0]))
    write_rows(("slot", "job", "slot_there", "timezone"), islice(rows, count), format_)


@command.command()
@click.pass_obj
def run(session: Session) -> None:
    """Stay in the foreground and do what is due when it is due; end it with Ctrl-C.

    Ctrl-C and SIGTERM let what is in flight finish; the rest of the sweep is asked when it is started again.
    """
    import asyncio

    workspace = session.workspace()
    _jobs(workspace.config())
    asyncio.run(_until_stopped(workspace))


@command.command()
@click.option("--systemd", "kind", flag_value="systemd", help="Write a service and a timer of systemd.")
@click.option("--cron", "kind", flag_value="cron", help="Print a line of crontab.")
@click.option("--github-actions", "kind", flag_value="github", help="Write a workflow of GitHub Actions.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    help="Folder to write into; default: the current one. For a workflow the root of the repository.",
)
@click.pass_obj
def install(session: Session, kind: str | None, output: Path) -> None:
    """Write ready files that look at the schedule every so often and do what is due.

    Nothing is written outside the folder, and no key of a provider stands in any file: they say where to put them.
    """
    from geo_flywheel.cli import _timers

    workspace = session.workspace()
    config = workspace.config()
    _jobs(config)
    match kind:
        case "systemd":
            _timers.write(_timers.systemd(_timers.program(), workspace.root), output)
        case "cron":
            click.echo(_timers.crontab(_timers.program(), workspace.root))
        case "github":
            _timers.write(_workflow(workspace, config, output), output)
        case _:
            raise click.UsageError("say which: --systemd, --cron or --github-actions")


def doing(workspace: "Workspace", stop: "asyncio.Event") -> "Doing":
    """Return how a slot is dealt with: crawled, archived when it was missed, and told of.

    Args:
        workspace: Where everything lies.
        stop: Set when no further ask shall be begun.
    """
    from crawlers.due import Doing

    return Doing(_crawl(workspace, stop), lambda gaps: _keep(workspace, gaps), say, now)


def now() -> datetime:
    """Return the time; naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def _crawl(workspace: "Workspace", stop: "asyncio.Event") -> "Crawl":
    """What asks everything that a slot calls for; the snapshot of a crawl is named by the job and the slot."""
    from geo_flywheel.cli._crawling import Order, crawl_once, way_out
    from geo_flywheel.cli._progress import showing

    async def crawl(slot: "Slot") -> str | None:
        config = workspace.config()
        job = next(job for job in config.schedule if job.name == slot.job)
        if job.what == "gather":
            return await _gather(workspace, job.sources, stop)
        with showing() as progress:
            async with way_out(config) as http:
                order = Order(slot.snapshot, providers=job.providers)
                tally = await crawl_once(
                    workspace, order, http=http, now=now, planned=progress.expect, told=progress.add, stop=stop
                )
        return None if tally.left == "stopped" else tally.left or "complete"

    return crawl


async def _gather(workspace: "Workspace", names: tuple[str, ...], stop: "asyncio.Event") -> str | None:
    """Gather from sources, 30 complete days; the outcome in a word, None when it was stopped and shall be resumed."""
    from geo_flywheel.cli._gathering import Order, gather_once, way_out
    from geo_flywheel.cli.gather import said

    async with way_out(workspace.config()) as http:
        came = await gather_once(workspace, Order(names), http=http, now=now, stop=stop)
    said(came)
    if any(each.stopped for each in came):
        return None
    failed = [each.name for each in came if each.problems]
    return f"failed: {', '.join(failed)}" if failed else "complete"


def _keep(workspace: "Workspace", gaps: "Sequence[Gap]") -> None:
    """Archive missed slots."""
    from geo_flywheel.store.archive import Run

    run = Run(workspace.archive_path, "schedule")
    try:
        for gap in gaps:
            run.note(gap.note)
    finally:
        run.close()


async def _until_stopped(workspace: "Workspace") -> None:
    import asyncio
    from contextlib import suppress

    from crawlers.due import keep_dealing
    from crawlers.leases import Leases
    from geo_flywheel.cli._crawling import stop_on_signals

    stop = asyncio.Event()
    stop_on_signals(stop)
    say("looking at the schedule; Ctrl-C ends it")

    async def rest(seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)

    with Leases(workspace.schedule_path, now) as leases:
        await keep_dealing(lambda: _jobs(workspace.config()), leases, doing(workspace, stop), stop, rest)
    say("stopped; start it again at any time")


def _jobs(config: "Config") -> "Sequence[ScheduledJob]":
    if not config.schedule:
        raise ConfigError(
            "there is no schedule; write a table [schedule.weekly] with a cron expression into geo-flywheel.toml"
        )
    return config.schedule


def _latest(workspace: "Workspace", job: "ScheduledJob") -> "Lease | None":
    """The newest slot anybody took on; looking makes no file."""
    from crawlers.leases import Leases

    if not workspace.schedule_path.exists():
        return None
    with Leases(workspace.schedule_path, now) as leases:
        return leases.latest(job.name)


def _state(lease: "Lease") -> str:
    return lease.outcome or ("running" if lease.expires_at > now() else "broken off")


def _there(job: "ScheduledJob", at: datetime | None) -> datetime | None:
    """An instant as the clocks of the job's zone show it."""
    from zoneinfo import ZoneInfo

    return at and at.replace(tzinfo=UTC).astimezone(ZoneInfo(job.timezone))


def _workflow(workspace: "Workspace", config: "Config", repository: Path) -> dict[str, str]:
    from crawlers.services import asking_of
    from geo_flywheel import __version__, plugins
    from geo_flywheel.cli import _timers

    keys = [key for provider in config.providers for key in asking_of(provider).keys]
    keys += [key for source in config.sources for key in plugins.source(source.name).keys]
    return _timers.github_actions(workspace.root.resolve(), repository.resolve(), __version__, keys)
