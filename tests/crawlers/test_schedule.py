from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.schedule import MOST_SLOTS, Gap, Slot, due, slots
from geo_flywheel.crawl_config import CatchUp, ScheduledJob
from geo_flywheel.errors import ConfigError

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31))
HOURLY = ScheduledJob("hourly", "0 * * * *")


def job(cron: str, zone: str = "UTC", catch_up: CatchUp = "latest", grace: int = 120) -> ScheduledJob:
    return ScheduledJob("j", cron, zone, catch_up, grace)


def between(scheduled: ScheduledJob, after: datetime, until: datetime) -> list[datetime]:
    return list(takewhile(lambda at: at <= until, slots(scheduled, after)))


def minutes(after: datetime, until: datetime) -> Iterator[datetime]:
    at = after.replace(second=0, microsecond=0)
    while (at := at + MINUTE) <= until:
        yield at


def there(at: datetime, zone: ZoneInfo) -> datetime:
    return at.replace(tzinfo=UTC).astimezone(zone)


def by_the_wall(hour: int | None, minute: int, zone: ZoneInfo, after: datetime, until: datetime) -> list[datetime]:
    """Slots found by looking at the zone's clock every minute; fixed times once a day, and late where they are skipped.

    A time of day is skipped when the clock shows, from one minute to the next, an earlier and then a later one.
    """
    found = []
    for at in minutes(after - 2 * DAY, until):
        now, before = there(at, zone), there(at - MINUTE, zone)
        if hour is None:
            hit = now.minute == minute
        else:
            wanted = now.replace(hour=hour, minute=minute, fold=0, tzinfo=None)
            shown, last = now.replace(tzinfo=None), before.replace(tzinfo=None)
            hit = (shown == wanted and now.fold == 0) or last < wanted < shown
        if hit and after < at <= until:
            found.append(at)
    return found


@pytest.mark.parametrize(
    ("zone", "cron", "day", "expected"),
    [
        # clocks go forward: 02:00 becomes 03:00 in Berlin, at 01:00 UTC
        ("Europe/Berlin", "30 2 * * *", "2026-03-29", ["01:00"]),
        ("Europe/Berlin", "30 1 * * *", "2026-03-29", ["00:30"]),
        ("Europe/Berlin", "30 3 * * *", "2026-03-29", ["01:30"]),
        ("Europe/Berlin", "0,30 2 * * *", "2026-03-29", ["01:00"]),
        ("Europe/Berlin", "0 2,3 * * *", "2026-03-29", ["01:00"]),
        ("Europe/Berlin", "*/30 2 * * *", "2026-03-29", []),
        ("Europe/Berlin", "0 1-4 * * *", "2026-03-29", ["00:00", "01:00", "02:00"]),
        # clocks go back: 03:00 becomes 02:00 in Berlin, at 01:00 UTC
        ("Europe/Berlin", "30 2 * * *", "2026-10-25", ["00:30"]),
        ("Europe/Berlin", "*/30 2 * * *", "2026-10-25", ["00:00", "00:30", "01:00", "01:30"]),
        ("Europe/Berlin", "0 1-4 * * *", "2026-10-25", ["00:00", "02:00", "03:00"]),
        # elsewhere: New York by an hour, Lord Howe by half an hour
        ("America/New_York", "30 2 * * *", "2026-03-08", ["07:00"]),
        ("America/New_York", "30 1 * * *", "2026-11-01", ["05:30"]),
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03", ["15:30"]),
        ("Australia/Lord_Howe", "45 1 * * *", "2026-04-04", ["14:45"]),
        ("UTC", "30 2 * * *", "2026-03-29", ["02:30"]),
    ],
)
def test_a_change_of_clocks_skips_and_doubles_nothing_that_has_a_time(
    zone: str, cron: str, day: str, expected: list[str]
) -> None:
    midnight = datetime.fromisoformat(day)
    found = between(job(cron, zone), midnight - MINUTE, midnight + DAY - MINUTE)
    if zone == "Europe/Berlin":  # whose night begins on the evening before
        found = [at for at in found if at.hour < 12]
    assert [f"{at:%H:%M}" for at in found] == expected


@settings(max_examples=50)
@given(st.sampled_from(ZONES), st.integers(0, 4), st.integers(0, 59), INSTANTS, st.integers(0, 3 * 24 * 60))
def test_a_fixed_time_comes_when_the_clock_on_the_wall_says(
    zone: str, hour: int, minute: int, after: datetime, length: int
) -> None:
    until = after + length * MINUTE
    expected = by_the_wall(hour, minute, ZoneInfo(zone), after, until)
    assert between(job(f"{minute} {hour} * * *", zone), after, until) == expected


@settings(max_examples=50)
@given(
    st.sampled_from(ZONES[:3]),
    st.integers(0, 3),
    st.integers(0, 59),
    st.sampled_from([datetime(2026, 3, 8), datetime(2026, 3, 29), datetime(2026, 4, 4), datetime(2026, 10, 3)])
    | st.sampled_from([datetime(2026, 10, 25), datetime(2026, 11, 1)]),
    st.integers(-12 * 60, 12 * 60),
)
def test_near_a_change_of_clocks_too(zone: str, hour: int, minute: int, day: datetime, shift: int) -> None:
    after = day + shift * MINUTE
    for cron, wanted in ((f"{minute} {hour} * * *", hour), (f"{minute} * * * *", None)):
        if wanted is None and zone == "Australia/Lord_Howe":
            continue  # see the test below
        expected = by_the_wall(wanted, minute, ZoneInfo(zone), after, after + DAY)
        assert between(job(cron, zone), after, after + DAY) == expected


def test_an_hourly_job_loses_one_slot_where_clocks_change_by_half_an_hour() -> None:
    after = datetime(2026, 4, 4)
    expected = by_the_wall(None, 45, ZoneInfo("Australia/Lord_Howe"), after, after + DAY)
    found = between(job("45 * * * *", "Australia/Lord_Howe"), after, after + DAY)
    assert set(expected) - set(found) == {datetime(2026, 4, 4, 15, 15)}


@given(
    st.sampled_from(["*/7 * * * *", "5 * * * *", "0 6 * * 1", "30 2 * * *", "0 0 L * *", "15 1-3 * * SUN#1"]),
    st.sampled_from(ZONES),
    INSTANTS,
    st.integers(0, 30),
)
def test_where_one_begins_to_look_changes_nothing(cron: str, zone: str, after: datetime, skip: int) -> None:
    found = list(islice(slots(job(cron, zone), after), 40))
    assert all(one < following for one, following in pairwise([after, *found]))
    assert list(islice(slots(job(cron, zone), found[skip]), 39 - skip)) == found[skip + 1 :]


@given(INSTANTS, st.integers(0, 3 * 24 * 60), st.sampled_from(["latest", "all", "skip"]), st.data())
def test_every_slot_that_passed_is_run_or_missed_and_none_is_both(
    since: datetime, passed: int, catch_up: CatchUp, data: st.DataObject
) -> None:
    now = since + passed * MINUTE
    earlier = [since - n * HOUR for n in range(5)]
    broken = sorted(data.draw(st.sets(st.sampled_from(earlier))))
    scheduled = job("0 * * * *", catch_up=catch_up)
    found = due(scheduled, since, broken, now)
    missed, run = [gap.slot.at for gap in found.missed], [slot.at for slot in found.run]
    assert missed + run == broken + between(scheduled, since, now)
    assert all(gap.begun == (gap.slot.at in broken) for gap in found.missed)
    assert bool(found.message) == bool(missed)


def test_a_look_in_the_hour_that_comes_twice_finds_no_slot_of_its_first_time() -> None:
    second_time = datetime(2026, 10, 25, 1, 10)  # 02:10 in Berlin, for the second time
    assert next(slots(job("50 2 * * *", "Europe/Berlin"), second_time)) == datetime(2026, 10, 26, 1, 50)


def test_latest_runs_only_the_newest() -> None:
    found = due(job("0 * * * *"), datetime(2026, 1, 1), [], datetime(2026, 1, 1, 3, 30))
    assert [slot.at.hour for slot in found.run] == [3]
    assert [gap.slot.at.hour for gap in found.missed] == [1, 2]


def test_latest_takes_up_a_broken_slot_only_while_none_is_newer() -> None:
    three = datetime(2026, 1, 1, 3)
    assert due(HOURLY, three, [three], three + 30 * MINUTE).run == (Slot(three, "hourly"),)
    later = due(HOURLY, three, [three], three + HOUR)
    assert later.run == (Slot(three + HOUR, "hourly"),)
    assert later.missed == (Gap(Slot(three, "hourly"), three + HOUR, begun=True),)
    overtaken = due(HOURLY, three, [three - HOUR], three + MINUTE)
    assert (overtaken.run, [gap.slot.at for gap in overtaken.missed]) == ((), [three - HOUR])


def test_all_runs_each() -> None:
    found = due(job("0 * * * *", catch_up="all"), datetime(2026, 1, 1), [], datetime(2026, 1, 1, 3, 30))
    assert [slot.at.hour for slot in found.run] == [1, 2, 3]
    assert found.missed == ()


def test_skip_runs_what_is_within_its_grace_and_not_a_second_longer() -> None:
    six = datetime(2026, 1, 2, 6)
    scheduled = job("0 6 * * *", catch_up="skip", grace=30)
    assert due(scheduled, six - DAY, [], six + 30 * MINUTE).run == (Slot(six, "j"),)
    late = due(scheduled, six - DAY, [], six + 30 * MINUTE + timedelta(seconds=1))
    assert (late.run, [gap.slot.at for gap in late.missed]) == ((), [six])


def test_a_clock_set_back_makes_nothing_due_and_says_so() -> None:
    dealt_with = datetime(2026, 1, 5)
    found = due(HOURLY, dealt_with, [dealt_with], dealt_with - timedelta(days=2, minutes=1))
    assert (found.run, found.missed) == ((), ())
    assert "the clock says 2026-01-02 23:59 UTC, but slots up to 2026-01-05 00:00 UTC" in found.message
    assert "give [schedule.hourly] another name" in found.message


def test_a_clock_set_forward_makes_gaps_and_says_so() -> None:
    found = due(HOURLY, datetime(2026, 1, 5), [], datetime(2026, 1, 7, 0, 30))
    assert (len(found.missed), len(found.run)) == (47, 1)
    assert "hourly: 47 slots were missed, from 2026-01-05 01:00 UTC to 2026-01-06 23:00 UTC" in found.message
    assert "see to its clock" in found.message


def test_a_clock_set_years_ahead_is_an_error_and_not_a_flood() -> None:
    after = datetime(2026, 1, 1)
    assert len(due(HOURLY, after, [], after + MOST_SLOTS * HOUR).missed) == MOST_SLOTS - 1
    with pytest.raises(ConfigError, match=r"hourly: more than 10,000 slots .* see to the clock"):
        due(HOURLY, after, [], datetime(2126, 1, 1))


def test_a_gap_is_a_record_that_says_which_slot_was_missed_and_when_that_was_seen() -> None:
    gap = Gap(Slot(datetime(2026, 1, 5, 6), "weekly"), datetime(2026, 1, 6), begun=False)
    assert gap.note == {
        "kind": "missed",
        "job": "weekly",
        "slot": "2026-01-05T06:00:00",
        "snapshot": "weekly@2026-01-05T06:00Z",
        "noticed_at": "2026-01-06T00:00:00",
        "begun": False,
    }
