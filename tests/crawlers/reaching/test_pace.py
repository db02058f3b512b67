import asyncio
from itertools import pairwise

import pytest

from crawlers.reaching.pace import Host, Pace
from tests.crawlers.loopback import Hands


def starts(host: Host, hands: Hands, requests: int) -> list[float]:
    """When each of so many requests, made at once, had its turn."""
    found: list[tuple[int, float]] = []

    async def one(number: int) -> None:
        async with host.turn():
            found.append((number, hands.seconds))

    async def all_of_them() -> None:
        await asyncio.gather(*map(one, range(requests)))

    asyncio.run(all_of_them())
    assert [number for number, _ in found] == list(range(requests))  # who came first is served first
    return [second for _, second in found]


def test_requests_keep_their_interval() -> None:
    hands = Hands()
    assert starts(Host(Pace(2.0), hands.clock()), hands, 4) == [0, 2, 4, 6]


def test_without_an_interval_nobody_waits() -> None:
    hands = Hands()
    assert starts(Host(Pace(), hands.clock()), hands, 50) == [0] * 50
    assert hands.slept == []


def test_no_more_requests_at_a_time_than_allowed() -> None:
    async def most() -> int:
        host, inside, seen = Host(Pace(connections=3), Hands().clock()), 0, list[int]()

        async def one() -> None:
            nonlocal inside
            async with host.turn():
                inside += 1
                seen.append(inside)
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(one() for _ in range(12)))
        return max(seen)

    assert asyncio.run(most()) == 3


def test_a_host_that_asks_for_patience_gets_it_and_is_asked_more_slowly() -> None:
    hands = Hands()
    host = Host(Pace(), hands.clock())
    host.slow(30)
    first, *rest = starts(host, hands, 4)
    assert first == 30
    assert all(later - earlier == pytest.approx(0.1) for earlier, later in pairwise([first, *rest]))


def test_who_stands_in_line_already_waits_too() -> None:
    hands = Hands()

    async def slowed_while_waiting() -> list[float]:
        host, found = Host(Pace(1.0), hands.clock()), list[float]()

        async def one() -> None:
            async with host.turn():
                found.append(hands.seconds)
                if len(found) == 1:
                    host.slow(10)

        await asyncio.gather(*(one() for _ in range(3)))
        return found

    assert asyncio.run(slowed_while_waiting()) == [0, 10, 12]


def test_refusals_under_way_together_slow_a_host_once_and_no_refusal_slows_it_for_ever() -> None:
    hands = Hands()
    host = Host(Pace(), hands.clock())
    for _ in range(20):
        host.slow(1)
    assert starts(host, hands, 2) == pytest.approx([1, 1.1])
    for _ in range(100):
        hands.seconds += 10
        host.slow(0)
    assert host._interval == 5.0


def test_a_slowed_host_comes_back_to_its_pace() -> None:
    hands = Hands()
    host = Host(Pace(0.05), hands.clock())
    host.slow(0)
    for _ in range(60):
        host.ease()
    hands.seconds = 100
    assert starts(host, hands, 2) == [100, 100.05]


def test_a_delay_the_site_asks_for_is_kept_for_good() -> None:
    hands = Hands()
    host = Host(Pace(1.0), hands.clock())
    host.spare(7)
    host.ease()
    host.spare(2)
    assert starts(host, hands, 3) == [0, 7, 14]


def test_a_request_that_is_called_off_leaves_its_place_in_line() -> None:
    hands = Hands()

    async def called_off() -> list[float]:
        host, found = Host(Pace(connections=1), hands.clock()), list[float]()

        async def one() -> None:
            async with host.turn():
                await asyncio.Event().wait()

        stuck = [asyncio.create_task(one()) for _ in range(3)]
        await asyncio.sleep(0)
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        async with asyncio.timeout(1), host.turn():
            found.append(hands.seconds)
        return found

    assert asyncio.run(called_off()) == [0]
