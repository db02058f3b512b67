"""`geo-flywheel crawl`: ask every engine what the basket asks, within the budget, and lose nothing."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from geo_flywheel.cli import Session
from geo_flywheel.cli.output import say

if TYPE_CHECKING:
    from crawlers.run import Tally
    from geo_flywheel.workspace import Workspace


@click.command()
@click.option("--snapshot", help="Name of the sweep; the same name goes on where it ended. Default: the day, UTC.")
@click.option("--due", is_flag=True, help="Do what the schedule says is due; safe to start twice.")
@click.option(
    "--ask", "adhoc", multiple=True, metavar="QUESTION", help="Ask this once more beside the basket, not in it."
)
@click.pass_context
def command(ctx: click.Context, snapshot: str | None, adhoc: tuple[str, ...], *, due: bool) -> None:
    """Ask every configured engine what the basket asks, and store what comes back.

    Every reply is archived before it is read. Ctrl-C finishes what is in flight; started again, the crawl asks only
    what is left. `geo-flywheel plan` shows the worst-case cost first; the dollars told at the end are what the replies
    tell, else an estimate, else the worst case. Exit code 1: some asks brought no answer.
    """
    import asyncio

    session: Session = ctx.obj
    workspace = session.workspace()
    if due:
        ctx.exit(asyncio.run(_due(workspace)))
    tally = asyncio.run(_crawl(workspace, snapshot or f"{_now():%Y-%m-%d}", adhoc))
    ctx.exit(said(tally))


def said(tally: "Tally") -> int:
    """Say what a crawl came to and return the exit code."""
    for target in dict.fromkeys(target for target, _ in tally.outcomes):
        outcomes = {
            outcome: count for (who, outcome), count in sorted(tally.outcomes.items(), key=str) if who == target
        }
        counts = ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.items())
        say(f"{target.provider}, {target.engine}: {counts}")
    total = sum(tally.outcomes.values())
    say(f"{total:,} asks, {tally.spent:.2f} USD{f'; not everything was asked: {tally.left}' if tally.left else ''}")
    return int(tally.failed > 0 or (tally.left not in {"", "stopped"}))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


async def _crawl(workspace: "Workspace", snapshot: str, adhoc: tuple[str, ...]) -> "Tally":
    import asyncio

    from geo_flywheel.cli._crawling import Order, crawl_once, stop_on_signals, way_out
    from geo_flywheel.cli._progress import showing
    from geo_flywheel.records import Prompt

    stop = asyncio.Event()
    stop_on_signals(stop)
    config = workspace.config()
    order = Order(snapshot, tuple(Prompt(text) for text in adhoc))
    with showing() as progress:
        async with way_out(config) as http:
            return await crawl_once(
                workspace, order, http=http, now=_now, planned=progress.expect, told=progress.add, stop=stop
            )


async def _due(workspace: "Workspace") -> int:
    import asyncio

    from crawlers.due import deal_with_due
    from crawlers.leases import Leases
    from geo_flywheel.cli._crawling import stop_on_signals
    from geo_flywheel.cli.schedule import doing

    stop = asyncio.Event()
    stop_on_signals(stop)
    with Leases(workspace.schedule_path, _now) as leases:
        outcomes = await deal_with_due(workspace.config().schedule, leases, doing(workspace, stop), stop)
    for slot, outcome in outcomes.items():
        say(f"{slot.job} of {slot.at:%Y-%m-%d %H:%M}: {outcome}")
    return int("failed" in outcomes.values())
