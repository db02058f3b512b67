import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from crawlers.leases import LEASE, Lease, Leases
from geo_flywheel.errors import StoreError
from tests.crawlers.racing import race

BEGIN = datetime(2026, 1, 1)
SLOT = datetime(2026, 1, 1, 6)
MINUTE = timedelta(minutes=1)


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "schedule.sqlite"


@pytest.fixture
def ours(file: Path, clock: Clock) -> Iterator[Leases]:
    with Leases(file, clock) as leases:
        yield leases


@pytest.fixture
def theirs(file: Path, clock: Clock) -> Iterator[Leases]:
    with Leases(file, clock) as leases:
        yield leases


def test_a_slot_is_claimed_once(ours: Leases, theirs: Leases) -> None:
    assert ours.claim("j", SLOT)
    assert not theirs.claim("j", SLOT)
    assert not ours.claim("j", SLOT)
    assert theirs.claim("another", SLOT)
    assert theirs.claim("j", SLOT + MINUTE)


def test_a_lease_that_ran_out_unfinished_is_claimed_by_another_and_no_longer_ours(
    ours: Leases, theirs: Leases, clock: Clock
) -> None:
    ours.claim("j", SLOT)
    clock.now = BEGIN + LEASE - timedelta(microseconds=1)
    assert theirs.broken_off("j") == []
    assert not theirs.claim("j", SLOT)
    clock.now = BEGIN + LEASE
    assert theirs.broken_off("j") == [SLOT]
    assert theirs.claim("j", SLOT)
    assert (ours.renew("j", SLOT), ours.release("j", SLOT), ours.finish("j", SLOT, "done")) == (False, False, False)
    assert theirs.finish("j", SLOT, "done")


def test_a_renewed_lease_holds_from_then(ours: Leases, theirs: Leases, clock: Clock) -> None:
    ours.claim("j", SLOT)
    clock.now = BEGIN + LEASE - MINUTE
    assert ours.renew("j", SLOT)
    clock.now = BEGIN + LEASE + MINUTE
    assert not theirs.claim("j", SLOT)


def test_a_slot_given_back_is_there_at_once(ours: Leases, theirs: Leases) -> None:
    ours.claim("j", SLOT)
    assert ours.release("j", SLOT)
    assert theirs.claim("j", SLOT)


def test_a_finished_slot_is_never_claimed_again_however_long_ago(ours: Leases, theirs: Leases, clock: Clock) -> None:
    ours.claim("j", SLOT)
    assert ours.finish("j", SLOT, "done")
    for clock.now in (BEGIN + timedelta(days=4000), BEGIN - timedelta(days=4000)):
        assert not theirs.claim("j", SLOT)
        assert not ours.claim("j", SLOT)
        assert theirs.broken_off("j") == []
    assert not ours.finish("j", SLOT, "again")


def test_a_clock_set_back_lets_nobody_take_what_is_held(ours: Leases, theirs: Leases, clock: Clock) -> None:
    ours.claim("j", SLOT)
    clock.now = BEGIN - timedelta(days=300)
    assert not theirs.claim("j", SLOT)


def test_what_was_claimed_is_told(ours: Leases, clock: Clock) -> None:
    assert ours.latest("j") is None
    ours.claim("j", SLOT)
    ours.claim("j", SLOT - MINUTE)
    clock.now = BEGIN + MINUTE
    ours.finish("j", SLOT, "done")
    assert ours.latest("j") == Lease("j", SLOT, ours.owner, BEGIN, BEGIN + LEASE, BEGIN + MINUTE, "done")
    assert [lease.slot for lease in ours.all()] == [SLOT - MINUTE, SLOT]


def test_a_job_begins_a_little_before_it_is_first_seen_and_anew_when_it_changes(ours: Leases, clock: Clock) -> None:
    quarter = timedelta(minutes=15)
    assert ours.since("j", "0 6 * * *", quarter) == BEGIN - quarter
    clock.now = BEGIN + timedelta(days=1)
    assert ours.since("j", "0 6 * * *", quarter) == BEGIN - quarter
    assert ours.since("j", "0 7 * * *", quarter) == clock.now - quarter


def test_times_stand_in_the_file_as_utc_in_iso_text(ours: Leases, file: Path) -> None:
    ours.claim("j", SLOT)
    with closing(sqlite3.connect(file)) as raw:
        assert raw.execute("SELECT job, slot, claimed_at, finished_at FROM lease").fetchall() == [
            ("j", "2026-01-01T06:00:00.000000Z", "2026-01-01T00:00:00.000000Z", None)
        ]
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_file_another_process_holds_is_waited_for_and_then_named(file: Path, clock: Clock) -> None:
    with Leases(file, clock, patience=0) as leases, closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match=r"schedule\.sqlite: another process holds it; .*try again later"):
            leases.claim("j", SLOT)
        other.execute("ROLLBACK")
        assert leases.claim("j", SLOT)


def test_a_full_disk_claims_nothing_and_says_so(ours: Leases) -> None:
    def fill() -> None:
        for minute in range(10_000):
            ours.claim("j", SLOT + minute * MINUTE)

    ours._db.execute("PRAGMA max_page_count = 8")
    with pytest.raises(StoreError, match=r"schedule\.sqlite: the disk is full; nothing was claimed: free some space"):
        fill()
    held = len(ours.all())
    ours._db.execute("PRAGMA max_page_count = 1000")
    assert ours.claim("j", SLOT - MINUTE)
    assert len(ours.all()) == held + 1


def test_a_file_that_may_not_be_written_is_named(ours: Leases) -> None:
    ours._db.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match=r"schedule\.sqlite: cannot be written; see to the permissions"):
        ours.claim("j", SLOT)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(StoreError, match="cannot be written; see to the permissions"):
        Leases(tmp_path / "nowhere" / "schedule.sqlite", clock)


def test_a_file_of_another_kind_is_left_alone(file: Path, clock: Clock) -> None:
    file.write_bytes(b"not a database " * 100)
    with pytest.raises(StoreError, match="is no schedule of this program, or it is damaged; restore it"):
        Leases(file, clock)
    assert file.read_bytes() == b"not a database " * 100


@pytest.mark.parametrize("catch_up", ["all", "latest"])
def test_two_schedulers_racing_over_sixty_slots_double_and_lose_none(file: Path, catch_up: str) -> None:
    ran, missed = race(file, 2, 60, catch_up)
    assert len(set().union(*ran, *missed)) == sum(map(len, ran + missed)) == 60
    assert sum(map(len, ran)) == (60 if catch_up == "all" else 1)
