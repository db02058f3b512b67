import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.due import LONGEST_REST, LOOKBACK, Doing, deal_with_due, keep_dealing
from crawlers.leases import LEASE, Leases
from crawlers.schedule import Gap, Slot, slots
from geo_flywheel.crawl_config import CatchUp, ScheduledJob
from geo_flywheel.errors import ConfigError, CrawlError, StoreError

BEGIN = datetime(2026, 1, 1)
HOUR = timedelta(hours=1)
HOURLY = ScheduledJob("hourly", "0 * * * *")


class World:
    """A clock, an archive and a crawler that remember; what a crawl comes to is set by the test."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.now = BEGIN
        self.ran: list[Slot] = []
        self.gaps: list[Gap] = []
        self.told: list[str] = []
        self.outcome: str | Exception | None = "done"
        self.during: Callable[[], None] = lambda: None

    def clock(self) -> datetime:
        return self.now

    async def crawl(self, slot: Slot) -> str | None:
        self.ran.append(slot)
        self.during()
        await asyncio.sleep(0)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def keep(self, gaps: Sequence[Gap]) -> None:
        self.gaps += gaps

    def doing(self) -> Doing:
        return Doing(self.crawl, self.keep, self.told.append, self.clock, renewal=0)

    def tick(self, *jobs: ScheduledJob, stop: asyncio.Event | None = None) -> dict[Slot, str]:
        with Leases(self.file, self.clock) as leases:
            return asyncio.run(deal_with_due(jobs or [HOURLY], leases, self.doing(), stop))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "schedule.sqlite")


def test_a_slot_is_run_when_it_is_due_and_once(world: World) -> None:
    world.now = BEGIN - HOUR / 2
    assert world.tick() == {}
    world.now = BEGIN
    assert world.tick() == {Slot(BEGIN, "hourly"): "done"}
    assert world.tick() == {}
    assert (world.ran, world.gaps, world.told) == ([Slot(BEGIN, "hourly")], [], [])


def test_whoever_sees_a_new_job_first_runs_the_slot_that_just_came(world: World) -> None:
    world.now = BEGIN + LOOKBACK / 2
    assert world.tick() == {Slot(BEGIN, "hourly"): "done"}


def test_a_machine_that_was_off_archives_what_it_missed_before_it_runs_the_newest(world: World) -> None:
    world.tick()
    world.now = BEGIN + 3 * HOUR
    world.during = lambda: world.told.append(f"{len(world.gaps)} gaps archived")
    assert list(world.tick().values()) == ["missed", "missed", "done"]
    assert [gap.slot.at for gap in world.gaps] == [BEGIN + HOUR, BEGIN + 2 * HOUR]
    assert "2 slots were missed" in world.told[0]
    assert world.told[1] == "2 gaps archived"


def test_a_clock_set_back_and_forth_runs_nothing_twice(world: World) -> None:
    for hours in (0, 3, 1, -5, 3, 2, 4):
        world.now = BEGIN + hours * HOUR
        world.tick()
    assert [slot.at for slot in world.ran] == [BEGIN, BEGIN + 3 * HOUR, BEGIN + 4 * HOUR]
    assert [gap.slot.at for gap in world.gaps] == [BEGIN + HOUR, BEGIN + 2 * HOUR]
    assert any("the clock says" in text for text in world.told)


def test_a_crawl_that_was_stopped_is_resumed_at_once(world: World) -> None:
    world.outcome = None
    assert list(world.tick().values()) == ["stopped"]
    world.outcome = "done"
    assert list(world.tick().values()) == ["done"]


def test_a_crawl_that_failed_is_told_and_tried_again_when_its_lease_ran_out(world: World) -> None:
    world.outcome = CrawlError("no network; try later")
    assert list(world.tick().values()) == ["failed"]
    assert world.told == ["hourly@2026-01-01T00:00Z: no network; try later"]
    world.outcome = "done"
    assert world.tick() == {}
    world.now = BEGIN + LEASE
    assert list(world.tick().values()) == ["done"]


def test_a_bug_in_a_crawl_is_no_expected_failure_and_gives_the_slot_back(world: World) -> None:
    world.outcome = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        world.tick()
    world.outcome = "done"
    assert list(world.tick().values()) == ["done"]


def test_a_crawl_longer_than_its_lease_keeps_it(world: World) -> None:
    with Leases(world.file, world.clock) as other:

        async def long(slot: Slot) -> str:
            for _ in range(5):
                world.now += LEASE * 2 / 3
                for _ in range(3):
                    await asyncio.sleep(0)
                assert not other.claim(slot.job, slot.at)
            return "done"

        doing = Doing(long, world.keep, world.told.append, world.clock, renewal=0)
        with Leases(world.file, world.clock) as leases:
            assert list(asyncio.run(deal_with_due([HOURLY], leases, doing)).values()) == ["done"]


def test_a_process_that_slept_leaves_its_slot_to_the_one_that_took_it_over(world: World) -> None:
    broken = []
    with Leases(world.file, world.clock) as other:

        async def sleeps(slot: Slot) -> str:
            world.now += 2 * LEASE
            assert other.claim(slot.job, slot.at)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                broken.append(slot)
                raise
            return "done"

        doing = Doing(sleeps, world.keep, world.told.append, world.clock, renewal=0)
        with Leases(world.file, world.clock) as leases:
            assert list(asyncio.run(deal_with_due([HOURLY], leases, doing)).values()) == ["failed"]
            assert other.finish("hourly", BEGIN, "done")
    assert broken == [Slot(BEGIN, "hourly")]
    assert "another took the slot over" in world.told[0]


def test_gaps_of_a_process_that_died_before_it_archived_them_are_archived_by_the_next(world: World) -> None:
    world.tick()
    world.now = BEGIN + 3 * HOUR

    def die(_: Sequence[Gap]) -> None:
        raise StoreError("the disk is full")

    doing = Doing(world.crawl, die, world.told.append, world.clock, renewal=0)
    with Leases(world.file, world.clock) as leases, pytest.raises(StoreError):
        asyncio.run(deal_with_due([HOURLY], leases, doing))
    world.now += LEASE
    assert list(world.tick().values()) == ["missed", "missed", "done"]
    assert [gap.slot.at for gap in world.gaps] == [BEGIN + HOUR, BEGIN + 2 * HOUR]


def test_a_gap_that_another_process_took_on_meanwhile_is_left_to_it(world: World) -> None:
    world.tick()
    world.now = BEGIN + 3 * HOUR
    with Leases(world.file, world.clock) as other, Leases(world.file, world.clock) as leases:

        def meanwhile(_: str) -> None:
            assert other.claim("hourly", BEGIN + HOUR)

        doing = Doing(world.crawl, world.keep, meanwhile, world.clock)
        outcomes = asyncio.run(deal_with_due([HOURLY], leases, doing))
    assert [slot.at - BEGIN for slot in outcomes] == [2 * HOUR, 3 * HOUR]
    assert [gap.slot.at for gap in world.gaps] == [BEGIN + 2 * HOUR]


def test_once_told_to_stop_no_further_slot_is_begun(world: World) -> None:
    stop = asyncio.Event()
    world.during = stop.set
    world.now = BEGIN + LOOKBACK / 2
    jobs = [HOURLY, ScheduledJob("second", "0 * * * *")]
    assert world.tick(*jobs, stop=stop) == {Slot(BEGIN, "hourly"): "done"}
    world.during = lambda: None
    assert world.tick(*jobs) == {Slot(BEGIN, "second"): "done"}


def test_a_job_whose_times_changed_begins_anew_without_gaps_it_never_had(world: World) -> None:
    world.tick(ScheduledJob("j", "0 0 * * 1"))
    world.now = BEGIN + timedelta(days=6, minutes=1)
    assert world.tick(ScheduledJob("j", "0 * * * *")) == {Slot(BEGIN + timedelta(days=6), "j"): "done"}
    assert world.gaps == []


@settings(max_examples=25)
@given(
    st.sampled_from(["latest", "all", "skip"]),
    st.lists(
        st.tuples(st.integers(-300, 600), st.sampled_from(["done", None, CrawlError("x"), ZeroDivisionError()])),
        max_size=8,
    ),
)
def test_whatever_happens_every_slot_is_run_to_its_end_once_or_a_gap_once(
    catch_up: CatchUp, story: list[tuple[int, str | Exception | None]]
) -> None:
    job = ScheduledJob("hourly", "0 * * * *", catch_up=catch_up, grace_minutes=90)
    with TemporaryDirectory() as folder:
        world = World(Path(folder) / "schedule.sqlite")
        done: list[Slot] = []
        latest = BEGIN
        for minutes, outcome in [(0, "done"), *story, (0, "done")]:
            world.now += timedelta(minutes=minutes)
            latest = max(latest, world.now)
            world.outcome = outcome
            try:
                done += [slot for slot, end in world.tick(job).items() if end == "done"]
            except ZeroDivisionError:
                continue
        world.outcome, world.now = "done", latest + LEASE
        done += [slot for slot, end in world.tick(job).items() if end == "done"]
        settled = Counter([slot.at for slot in done] + [gap.slot.at for gap in world.gaps])
        every = [at for at, _ in zip(slots(job, BEGIN - LOOKBACK), range(2000), strict=False) if at <= world.now]
        assert settled == Counter(every)


def test_the_loop_rests_until_the_next_slot_and_not_longer_than_a_minute(world: World) -> None:
    stop = asyncio.Event()
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        world.now += timedelta(seconds=seconds)
        if len(rests) == 3:
            stop.set()

    world.now = BEGIN - timedelta(seconds=90)
    with Leases(world.file, world.clock) as leases:
        asyncio.run(keep_dealing(lambda: [HOURLY], leases, world.doing(), stop, rest))
    assert rests == [LONGEST_REST, 30, LONGEST_REST]
    assert world.ran == [Slot(BEGIN, "hourly")]
    assert world.told == ["hourly@2026-01-01T00:00Z: done"]


def test_the_loop_outlives_a_configuration_that_is_being_edited(world: World) -> None:
    stop = asyncio.Event()
    jobs = [[HOURLY], [], [HOURLY]]

    def read() -> list[ScheduledJob]:
        if not (now := jobs.pop()):
            raise ConfigError("is not TOML: mend that line")
        return now

    async def rest(_: float) -> None:
        if not jobs:
            stop.set()

    with Leases(world.file, world.clock) as leases:
        asyncio.run(keep_dealing(read, leases, world.doing(), stop, rest))
    assert world.told == ["hourly@2026-01-01T00:00Z: done", "is not TOML: mend that line"]


def test_a_loop_told_to_stop_during_a_crawl_finishes_it_and_does_not_rest(world: World) -> None:
    stop = asyncio.Event()
    world.during = stop.set

    async def rest(_: float) -> None:
        pytest.fail("it rested")

    with Leases(world.file, world.clock) as leases:
        asyncio.run(keep_dealing(lambda: [HOURLY], leases, world.doing(), stop, rest))
    assert world.told == ["hourly@2026-01-01T00:00Z: done"]
