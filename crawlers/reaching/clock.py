"""Time and chance, in one place so that a test can be their master."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Clock:
    """What waiting is done by.

    Attributes:
        now: Naive UTC, for what is recorded and for dates that others name; it may jump.
        tick: Seconds that only ever grow, for intervals.
        sleep: Waits so many seconds.
        chance: Uniform in [0, 1), for jitter.
    """

    now: Callable[[], datetime] = _now
    tick: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random
