"""Do what the schedule says is due: claim a slot, crawl it, finish it; safe to start any number of times.

Missed slots are claimed, archived and finished before any is run, oldest first, so that every slot before one that was
taken on has been taken on itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from crawlers.leases import Leases
from crawlers.schedule import Due, Gap, Slot, due, slots
from geo_flywheel.crawl_config import ScheduledJob
from geo_flywheel.errors import CrawlError, GeoFlywheelError

LOOKBACK = timedelta(minutes=15)  # how often the installed timers tick: whoever sees a new job first can run its slot
LONGEST_REST = 60.0  # seconds between two looks, so that a changed clock or configuration is seen soon
MISSED = "missed"

Crawl = Callable[[Slot], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Doing:
    """What dealing with a slot needs.

    Attributes:
        crawl: Asks what a slot calls for and returns the outcome in a word; None when it was stopped and shall be
            resumed. Its asks are resumed too, so a slot that is run again asks only what is left.
        keep: Puts missed slots into the archive, for good, before it returns.
        say: Tells the person.
        clock: Now, naive UTC; the one the leases have.
        renewal: Seconds between two renewals of a lease.
    """

    crawl: Crawl
    keep: Callable[[Sequence[Gap]], None]
    say: Callable[[str], None]
    clock: Callable[[], datetime]
    renewal: float = 180.0


async def deal_with_due(
    jobs: Sequence[ScheduledJob], leases: Leases, doing: Doing, stop: asyncio.Event | None = None
) -> dict[Slot, str]:
    """Run every slot that is due and nobody else runs, and archive those that were missed.

    Args:
        jobs: The schedule.
        leases: Who deals with what.
        doing: How to crawl, archive and talk.
        stop: Set when nothing more shall be begun.

    Returns:
        What came of each slot this process ran or found missing: "missed", the outcome of the crawl, "stopped", or
        "failed" when the crawl raised: that is said, and the slot is tried again after its lease ran out.

    Raises:
        StoreError: If the leases or the archive cannot be written.
        ConfigError: If the clock is off by more slots than can be true.
    """
    outcomes: dict[Slot, str] = {}
    for job in jobs:
        found = due_now(job, leases, doing.clock())
        if found.message:
            doing.say(found.message)
        outcomes |= _archived(leases, doing, found.missed)
        for slot in found.run:
            if not (stop and stop.is_set()) and leases.claim(slot.job, slot.at):
                outcomes[slot] = await _run(leases, doing, slot)
    return outcomes


async def keep_dealing(
    jobs: Callable[[], Sequence[ScheduledJob]],
    leases: Leases,
    doing: Doing,
    stop: asyncio.Event,
    rest: Callable[[float], Awaitable[None]],
) -> None:
    """Do what is due when it is due, until told to stop; what fails is said and tried again.

    Args:
        jobs: The schedule as it is now; asked before each look, so that a change of the file is seen.
        leases: Who deals with what.
        doing: How to crawl, archive and talk.
        stop: Ends the loop; a crawl that goes on is waited for.
        rest: Waits so many seconds, or until `stop` is set.
    """
    while not stop.is_set():
        wait = LONGEST_REST
        try:
            now_jobs = jobs()
            for slot, outcome in (await deal_with_due(now_jobs, leases, doing, stop)).items():
                doing.say(f"{slot.snapshot}: {outcome}")
            wait = _until_next(now_jobs, doing.clock())
        except GeoFlywheelError as error:
            doing.say(f"{error}")
        if not stop.is_set():
            await rest(wait)


def _until_next(jobs: Sequence[ScheduledJob], now: datetime) -> float:
    """Seconds until the next slot, at most `LONGEST_REST`."""
    following = [next(slots(job, now), None) for job in jobs]
    return min([LONGEST_REST, *((at - now).total_seconds() for at in following if at)])


def due_now(job: ScheduledJob, leases: Leases, now: datetime) -> Due:
    """Return what is to be done about a job, by what the leases tell."""
    since = leases.since(job.name, f"{job.cron} {job.timezone}", LOOKBACK)
    latest = leases.latest(job.name)
    dealt_with = max(since, latest.slot) if latest else since
    return due(job, dealt_with, leases.broken_off(job.name), now)


def _archived(leases: Leases, doing: Doing, gaps: Sequence[Gap]) -> dict[Slot, str]:
    """Archive the gaps nobody else deals with."""
    ours = [gap for gap in gaps if leases.claim(gap.slot.job, gap.slot.at)]
    if ours:
        doing.keep(ours)
    for gap in ours:
        leases.finish(gap.slot.job, gap.slot.at, MISSED)
    return {gap.slot: MISSED for gap in ours}


async def _run(leases: Leases, doing: Doing, slot: Slot) -> str:
    """Crawl a slot that is ours, and hold it until that is done."""
    try:
        outcome = await _held(leases, doing, slot)
    except GeoFlywheelError as error:
        doing.say(f"{slot.snapshot}: {error}")
        return "failed"
    except BaseException:
        leases.release(slot.job, slot.at)
        raise
    if outcome is None:
        leases.release(slot.job, slot.at)
        return "stopped"
    leases.finish(slot.job, slot.at, outcome)
    return outcome


async def _held(leases: Leases, doing: Doing, slot: Slot) -> str | None:
    """The outcome of a crawl whose lease is renewed meanwhile; it is broken off when another took the slot over."""
    crawl = asyncio.ensure_future(doing.crawl(slot))
    try:
        while not (await asyncio.wait({crawl}, timeout=doing.renewal))[0]:
            if not leases.renew(slot.job, slot.at):
                raise CrawlError("this process slept for so long that another took the slot over; leave it to that one")
        return crawl.result()
    finally:
        if not crawl.done():
            crawl.cancel()
            with suppress(asyncio.CancelledError):
                await crawl
