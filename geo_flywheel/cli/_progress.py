"""Progress of a crawl on stderr: a live table on a terminal, plain lines elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from geo_flywheel.cli.output import say

if TYPE_CHECKING:
    from rich.table import Table

    from crawlers.plan import Target
    from crawlers.run import Asked

_EVERY = 10.0  # seconds between two plain lines
_FAILED = {"error", "retired", "unreadable", "no reply"}


class _Progress:
    """Asks that are over, per target."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = self.last = clock()
        self._done: Counter[Target] = Counter()
        self._failed: Counter[Target] = Counter()
        self._usd: dict[Target, Decimal] = {}

    def add(self, asked: "Asked") -> None:
        self._done[asked.target] += 1
        self._failed[asked.target] += asked.outcome in _FAILED
        self._usd[asked.target] = self._usd.get(asked.target, Decimal(0)) + asked.usd

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Engine, done, failed, asks a second, US dollars."""
        seconds = max(self._clock() - self._started, 0.001)
        return [
            (
                target.engine,
                f"{done:,}",
                f"{self._failed[target]:,}",
                f"{done / seconds:.1f}",
                f"{self._usd[target]:.2f}",
            )
            for target, done in sorted(self._done.items())
        ]

    def line(self) -> str:
        return "; ".join(
            f"{engine} {done} done, {failed} failed, {usd} USD" for engine, done, failed, _, usd in self.rows()
        )


@contextmanager
def showing(clock: Callable[[], float] = time.monotonic) -> "Iterator[Callable[[Asked], None]]":
    """Show each ask that is told of while the block runs."""
    progress = _Progress(clock)
    if not sys.stderr.isatty():
        yield lambda asked: _plainly(progress, asked, clock)
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), refresh_per_second=4, get_renderable=lambda: _table(progress)):
        yield progress.add


def _plainly(progress: _Progress, asked: "Asked", clock: Callable[[], float]) -> None:
    progress.add(asked)
    if clock() - progress.last >= _EVERY:
        progress.last = clock()
        say(progress.line())


def _table(progress: _Progress) -> "Table":
    from rich.table import Table

    table = Table("engine", "done", "failed", "a second", "USD", box=None)
    for row in progress.rows():
        table.add_row(*row)
    return table
