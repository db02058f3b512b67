"""The lines of a block as compiled code reads them, and what it says of each that fits."""

from typing import Any, NamedTuple

import numpy as np

SHORTEST = 39  # bytes of a line that fits, with its line feed
HOST, REFERRER, AGENT = -1, -2, -3  # whose a text is; a request is its host's
ROW = np.dtype([
    ("start", np.int32),  # place of the line in the block
    ("end", np.int32),  # place of its line feed
    ("key", np.uint64),  # XXH64 of its bytes
    ("clock", np.int32),
    ("happened_at", np.int64),  # microseconds since 1970, UTC
    ("status", np.int32),
    ("size", np.int64),  # bytes sent, -1 for none said
    ("host", np.int32),  # number of the text, as the next three; -1 where lines name no host
    ("request", np.int32),
    ("referrer", np.int32),
    ("agent", np.int32),
    ("address", np.int32),  # place
    ("address_end", np.int32),
    ("forwarded", np.int32),  # place of what the quotes behind those of the agent hold, 0 for none
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
