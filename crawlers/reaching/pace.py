"""How fast a host is asked: whoever comes first is served first, and a host that asks for patience gets it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from crawlers.reaching.clock import Clock

_SLOWED, _SLOWEST = 0.1, 5.0  # seconds between two requests: after the first "later", and at most for that reason
_EASE = 0.9  # what is left of that interval after each reply that is none


@dataclass(frozen=True, slots=True)
class Pace:
    """What a host is spared.

    Attributes:
        interval: Seconds between the starts of two requests.
        connections: Requests at a time.
    """

    interval: float = 0.0
    connections: int = 20


class Host:
    """The requests to one host."""

    def __init__(self, pace: Pace, clock: Clock) -> None:
        self._least = self._interval = pace.interval
        self._free = asyncio.Semaphore(pace.connections)
        self._line = asyncio.Lock()
        self._clock = clock
        self._next = self._held = clock.tick()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and keep it while inside."""
        async with self._free:
            async with self._line:
                while (ahead := max(self._next, self._held) - self._clock.tick()) > 0:
                    await self._clock.sleep(ahead)
                self._next = self._clock.tick() + self._interval
            yield

    def spare(self, interval: float) -> None:
        """Never again be faster than this many seconds between two requests."""
        self._least = max(self._least, interval)
        self._interval = max(self._interval, self._least)

    def slow(self, seconds: float) -> None:
        """Ask nothing for so many seconds, and more slowly from then on."""
        now = self._clock.tick()
        if now >= self._held:  # replies that were under way together count once
            self._interval = max(self._interval, min(max(2 * self._interval, _SLOWED), _SLOWEST))
        self._held = max(self._held, now + seconds)

    def ease(self) -> None:
        """Come back, step by step, to the pace that was set."""
        if self._interval > self._least:
            eased = _EASE * self._interval
            self._interval = eased if eased > self._least + _SLOWED / 100 else self._least
