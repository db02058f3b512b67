"""Slots of the scheduled jobs, and which of them are run and which are missed; pure, the clock is handed in.

A slot is an instant at which a job shall begin. Instants are naive UTC; only the cron expression is meant in a zone.

**Daylight saving**, by the rules of Debian's cron, which cronsim follows. A job at fixed times (neither minute nor hour
begins with `*`) runs once a day: at a time the clocks skip, it runs at the first minute after the gap; at a time that
comes twice, it runs the first time. Any other job runs whenever the clock on the wall matches: not at all in an hour
that is skipped, and twice in an hour that comes twice. Where clocks change by half an hour (Lord Howe), cronsim passes
over one slot of an hourly job in minutes 30 to 59 at each change.

**Clocks that jump.** Slots are looked for between the last one dealt with and now. A clock set back finds none, so that
nothing runs twice; one set forward finds slots that nobody ran, and they are missed like those of a machine that was
off. A missed slot is a fact, never an answer with an earlier date.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from geo_flywheel.crawl_config import ScheduledJob
from geo_flywheel.errors import ConfigError

MOST_SLOTS = 10_000  # of one job at once: more than a year of hourly slots


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One run of a job that is due at an instant (naive UTC)."""

    at: datetime
    job: str

    @property
    def snapshot(self) -> str:
        """Name of the snapshot that its answers belong to."""
        return f"{self.job}@{self.at:%Y-%m-%dT%H:%MZ}"


@dataclass(frozen=True, slots=True)
class Gap:
    """A slot that was missed, as it goes into the archive.

    Attributes:
        noticed_at: When it was found missing; naive UTC.
        begun: Whether it was begun and broken off; its answers up to then stay.
    """

    slot: Slot
    noticed_at: datetime
    begun: bool

    @property
    def note(self) -> dict[str, object]:
        """The metadata record of the archive; job and slot are its identity, should it be written twice."""
        return {
            "kind": "missed",
            "job": self.slot.job,
            "slot": self.slot.at.isoformat(),
            "snapshot": self.slot.snapshot,
            "noticed_at": self.noticed_at.isoformat(),
            "begun": self.begun,
        }


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done about a job now.

    Attributes:
        missed: Oldest first, and older than any slot to run.
        run: Oldest first.
        message: What a person should know; "" when all is as it should be.
    """

    missed: tuple[Gap, ...] = ()
    run: tuple[Slot, ...] = ()
    message: str = ""


def slots(job: ScheduledJob, after: datetime) -> Iterator[datetime]:
    """Yield the instants of a job after an instant (exclusive), ascending; all naive UTC.

    Two times of day that a change of clocks moves to one instant are one slot.
    """
    for local in CronSim(job.cron, after.replace(tzinfo=UTC).astimezone(ZoneInfo(job.timezone))):
        instant = local.astimezone(UTC).replace(tzinfo=None)
        if instant > after:  # the search begins at a time of day, which comes twice when clocks go back
            yield instant


def due(job: ScheduledJob, dealt_with: datetime, broken_off: Sequence[datetime], now: datetime) -> Due:
    """Return which slots of a job are to be run now and which are missed.

    Args:
        job: The job and its catch-up policy.
        dealt_with: The latest slot anybody took on, or since when the job stands; every slot up to it has been taken.
        broken_off: Slots among those whose owner has gone without finishing them.
        now: Naive UTC.

    Raises:
        ConfigError: If more than `MOST_SLOTS` have passed, as when the clock is years ahead.
    """
    if now < dealt_with:
        return Due(
            message=f"{job.name}: the clock says {_said(now)}, but slots up to {_said(dealt_with)} have been dealt "
            f"with, so nothing is due until then; if the clock was wrong then, give [schedule.{job.name}] another name"
        )
    fresh = list(islice(takewhile(lambda at: at <= now, slots(job, dealt_with)), MOST_SLOTS + 1))
    if len(fresh) > MOST_SLOTS:
        raise ConfigError(
            f"{job.name}: more than {MOST_SLOTS:,} slots have passed between {_said(dealt_with)} and {_said(now)}; see "
            f"to the clock, or if it is right, give [schedule.{job.name}] another name: it begins anew"
        )
    left = [*sorted(broken_off), *fresh]
    newest = fresh[-1] if fresh else dealt_with
    run = [at for at in left if _still_run(job, at, newest, now)]
    missed = [at for at in left if at not in run]
    gaps = tuple(Gap(Slot(at, job.name), now, at in broken_off) for at in missed)
    return Due(gaps, tuple(Slot(at, job.name) for at in run), _missed(job, missed))


def _still_run(job: ScheduledJob, at: datetime, newest: datetime, now: datetime) -> bool:
    match job.catch_up:
        case "latest":
            return at == newest
        case "all":
            return True
        case "skip":
            return now - at <= timedelta(minutes=job.grace_minutes)


def _missed(job: ScheduledJob, missed: Sequence[datetime]) -> str:
    if not missed:
        return ""
    many = f"{len(missed)} slots were" if len(missed) > 1 else "1 slot was"
    span = f"from {_said(missed[0])} to {_said(missed[-1])}" if len(missed) > 1 else f"at {_said(missed[0])}"
    return (
        f"{job.name}: {many} missed, {span}; recorded as gaps and not asked for later (catch_up is {job.catch_up}). "
        "If this machine was on all the time, see to its clock"
    )


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
