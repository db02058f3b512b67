"""One thing that a signal says, and how what several lines say becomes one."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

State = Literal["allowed", "disallowed", "not_stated", "unknown"]
_STRICTEST: tuple[State, ...] = ("disallowed", "unknown", "allowed", "not_stated")
LONGEST_VALUE = 500


class Said(NamedTuple):
    """What a signal says to one agent, or to all of them, about one purpose.

    Attributes:
        agent: Its token as the registry spells it; None for all.
        value: As it is written there, cut to `LONGEST_VALUE` characters; None where nothing is.
    """

    signal: str
    agent: str | None
    purpose: str
    state: State
    value: str | None


def strictest(states: Iterable[State]) -> State:
    """Return the most restrictive of several states, "not_stated" of none."""
    return min(states, key=_STRICTEST.index, default="not_stated")


def as_told(status: int) -> str:
    """Return what came of asking for a file, in words; 0 stands for no reply that could be taken."""
    return f"HTTP {status}" if status else "could not be fetched"


def cut(value: str) -> str:
    """Return what is written, with its control characters spaces and its end cut off where it is long."""
    printable = "".join(sign if sign.isprintable() else " " for sign in value[: 2 * LONGEST_VALUE]).strip()
    return printable if len(printable) <= LONGEST_VALUE else f"{printable[:LONGEST_VALUE]}…"
