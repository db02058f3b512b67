"""Progress of a crawl on stderr: a live table on a terminal, plain lines elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from geo_flywheel.cli.output import printable, say

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from crawlers.plan import Target
    from crawlers.run import Asked

_EVERY = 10.0  # seconds between two plain lines
_FAILED = {"error", "retired", "unreadable", "no reply"}


@dataclass(frozen=True, slots=True)
class Row:
    """How far one target is.

    Attributes:
        total: Asks that there will be, None while nobody has told.
        rate: Asks a second since the beginning.
        eta: Seconds until all are over at that rate, None when nothing tells.
    """

    name: str
    done: int
    total: int | None
    failed: int
    rate: float
    usd: Decimal
    eta: float | None


class Progress:
    """Asks that are over, and asks that there will be, per target."""

    def __init__(self, clock: Callable[[], float], tell: Callable[["Progress"], None] = lambda _: None) -> None:
        """Begin now.

        Args:
            clock: Seconds.
            tell: Called after each ask.
        """
        self._clock, self._tell = clock, tell
        self._started = clock()
        self._totals: Mapping[Target, int] = {}
        self._targets: dict[Target, None] = {}
        self._done: Counter[Target] = Counter()
        self._failed: Counter[Target] = Counter()
        self._usd: dict[Target, Decimal] = {}

    def expect(self, totals: "Mapping[Target, int]") -> None:
        """Be told how many asks there will be, and that they begin now."""
        self._started = self._clock()
        self._totals = dict(totals)
        self._targets.update(dict.fromkeys(totals))

    def add(self, asked: "Asked") -> None:
        """Be told of an ask that is over."""
        self._targets[asked.target] = None
        self._done[asked.target] += 1
        self._failed[asked.target] += asked.outcome in _FAILED
        self._usd[asked.target] = self._usd.get(asked.target, Decimal(0)) + asked.usd
        self._tell(self)

    def rows(self) -> list[Row]:
        """Return how far each target is, in the order of the plan."""
        seconds = max(self._clock() - self._started, 0.001)
        return [self._row(target, seconds) for target in tuple(self._targets)]  # copied: the live table has a thread

    def _row(self, target: "Target", seconds: float) -> Row:
        done, total = self._done[target], self._totals.get(target)
        name = target.engine if target.engine == target.provider else f"{target.provider} {target.engine}"
        rate = done / seconds
        eta = None
        if total is not None and (done or not total):
            eta = max(total - done, 0) / rate if done else 0.0
        return Row(name, done, total, self._failed[target], rate, self._usd.get(target, Decimal(0)), eta)


@contextmanager
def showing(clock: Callable[[], float] = time.monotonic, terminal: "Console | None" = None) -> "Iterator[Progress]":
    """Show the progress that is told of while the block runs.

    Args:
        clock: Seconds.
        terminal: Where the live table is drawn; default: stderr when that is a terminal, else there are plain lines.
    """
    if terminal is None and not sys.stderr.isatty():
        yield Progress(clock, _plainly(clock))
        return
    from rich.console import Console
    from rich.live import Live

    progress = Progress(clock)
    console = terminal or Console(stderr=True)
    with Live(console=console, refresh_per_second=4, get_renderable=lambda: _table(progress)):
        yield progress


def _plainly(clock: Callable[[], float]) -> Callable[[Progress], None]:
    """Say a line, though not for every ask."""
    said = clock()

    def tell(progress: Progress) -> None:
        nonlocal said
        if clock() - said >= _EVERY:
            said = clock()
            say("; ".join(map(_line, progress.rows())))

    return tell


def _line(row: Row) -> str:
    left = "" if row.eta is None else f", {_duration(row.eta)} left"
    return f"{row.name}: {_done(row)} done, {row.failed:,} failed, {row.rate:.1f} a second, {row.usd:.2f} USD{left}"


def _table(progress: Progress) -> "Table":
    from rich.table import Table

    table = Table("engine", box=None)
    for column in ("done", "failed", "a second", "USD", "left"):
        table.add_column(column, justify="right")
    for row in progress.rows():
        left = "-" if row.eta is None else _duration(row.eta)
        table.add_row(printable(row.name), _done(row), f"{row.failed:,}", f"{row.rate:.1f}", f"{row.usd:.2f}", left)
    return table


def _done(row: Row) -> str:
    return f"{row.done:,}" if row.total is None else f"{row.done:,} of {row.total:,}"


def _duration(seconds: float) -> str:
    """Hours, minutes and seconds: 1:02:03, 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
