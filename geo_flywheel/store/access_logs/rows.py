"""The lines of a block as compiled code reads them, and what it says of each that fits."""

from typing import Any, NamedTuple

import numpy as np

SHORTEST = 39  # bytes of a line that fits, with its line feed
HOST, REFERRER, AGENT = -1, -2, -3  # whose a text is; a request is its host's
IS_PERSON, IS_MACHINE, IS_AGENT = 0, 1, 2
ROW = np.dtype([
    ("key", np.uint64),  # XXH64 of the bytes of the line
    ("moment", np.int64),  # microseconds since 1970, UTC
    ("size", np.int64),  # bytes sent, -1 for none said
    ("start", np.int32),  # place of the line in the block
    ("end", np.int32),  # place of its line feed
    ("clock", np.int32),  # place of the clock, and so on
    ("address", np.int32),
    ("address_end", np.int32),
    ("forwarded", np.int32),  # what the quotes behind those of the agent hold, up to the end; 0 for none
    ("status", np.int32),
    ("request", np.int32),  # number of the text, as the next two
    ("referrer", np.int32),
    ("agent", np.int32),
])  # fmt: skip
TEXT = np.dtype([
    ("digest", np.uint64),
    ("owner", np.int64),  # whose it is
    ("start", np.int64),  # place
    ("end", np.int64),
    ("number", np.int64),
])  # fmt: skip
TOLD = np.dtype([
    ("page", np.int32),  # that a request asks for, -1 for none
    ("said", np.int32),  # method and utm_source of a request
    ("sender", np.int32),  # assistant that a referrer, or the utm_source of a request, is of; 0 for none
    ("client", np.int32),  # whom a User-Agent line stands for
])  # fmt: skip
Rows = np.ndarray[Any, np.dtype[np.void]]


class Form(NamedTuple):
    """How the lines of a log are laid out.

    Attributes:
        has_host: Whether they begin with the host.
        quotes: How many one has at least.
    """

    has_host: bool
    quotes: int


class Judged(NamedTuple):
    """What lines are; all of shape (line,).

    Attributes:
        keys: As in `ROW`, as the moments.
        moments: When they happened.
        page: Number of the page each asks for, -1 for none.
        status: As the line says it.
        is_visit: Whether it is of an agent, or of a person whom an assistant sent.
    """

    keys: np.ndarray[Any, np.dtype[np.uint64]]
    moments: np.ndarray[Any, np.dtype[np.int64]]
    page: np.ndarray[Any, np.dtype[np.int64]]
    status: np.ndarray[Any, np.dtype[np.int64]]
    is_visit: np.ndarray[Any, np.dtype[np.bool_]]


def judged(lines: int) -> Judged:
    """Return room for what so many lines are."""
    types = (np.uint64, np.int64, np.int64, np.int64, np.bool_)
    return Judged._make(np.empty(lines, of) for of in types)
