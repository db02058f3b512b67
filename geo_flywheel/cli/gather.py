"""`geo-flywheel gather`: signals and corpora from every source that is configured."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from geo_flywheel.cli import Session
from geo_flywheel.cli.output import Format, format_option, say, write_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawlers.gather import Came
    from geo_flywheel.cli._gathering import Order
    from geo_flywheel.workspace import Workspace

COLUMNS = ("source", "replies", "added", "problem")
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--since", type=_DAY, help="First day; default: 30 complete days.")
@click.option("--until", type=_DAY, help="Last day, inclusive; default: yesterday, UTC.")
@click.option("--site", "sites", multiple=True, help="Ask about this site; default: those of [site], own and rivals.")
@click.option("--page", "pages", multiple=True, help="Ask about this page; default: pages of the sites that are known.")
@format_option()
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    sites: tuple[str, ...],
    pages: tuple[str, ...],
    format_: Format,
) -> None:
    """Gather engagement and training presence from every source configured, or from those named.

    A source is configured by a table [signals.NAME] or [corpora.NAME]; its keys come from the environment. Every reply
    is archived before it is read. Gathering the same days again adds what changed and counts nothing twice. Exit code
    1: some source failed; the others were gathered all the same.
    """
    import asyncio

    from geo_flywheel.cli._gathering import Order

    session: Session = ctx.obj
    order = Order(names, sites, pages, since.date() if since else None, until.date() if until else None)
    came = asyncio.run(_gather(session.workspace(), order))
    write_rows(COLUMNS, [_row(each) for each in came], format_)
    ctx.exit(said(came))


def said(came: "Sequence[Came]") -> int:
    """Say what failed, and return the exit code."""
    for each in came:
        for problem in each.problems:
            say(f"error: {each.name}: {problem}")
        if each.stopped:
            say(f"{each.name}: stopped before it had been asked for everything; gather again")
    return int(any(each.problems for each in came))


def _row(came: "Came") -> list[object]:
    added = ", ".join(f"{count:,} {table}" for table, count in sorted(came.added.items()) if count)
    return [came.name, came.replies, added or "nothing new", came.problems[0] if came.problems else None]


async def _gather(workspace: "Workspace", order: "Order") -> "list[Came]":
    import asyncio

    from geo_flywheel.cli._crawling import stop_on_signals
    from geo_flywheel.cli._gathering import gather_once, way_out

    stop = asyncio.Event()
    stop_on_signals(stop)
    async with way_out(workspace.config()) as http:
        return await gather_once(workspace, order, http=http, now=_now, stop=stop)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
