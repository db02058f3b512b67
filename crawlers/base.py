"""The contracts of the plugins: what an engine and an import are made of."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crawlers.reading.wire import Document
from geo_flywheel.records import Answer, Capture, Fact


@dataclass(frozen=True, slots=True)
class Engine:
    """A provider of answers.

    Attributes:
        read: Pure: the answers in a captured reply. Raises `Unreadable` when the body is not such a reply; a failure
            the provider reports inside a reply is an answer with its status, not an exception.
        render: What this provider would reply to give this answer: `read` of its bytes returns the same answer.
        claims: Whether these documents of one reply bear marks that only this provider leaves, so that a file nobody
            named a provider for can be read; at most one engine claims a reply.
    """

    read: Callable[[Capture], tuple[Answer, ...]]
    render: Callable[[Answer], bytes]
    claims: Callable[[Sequence[Document]], bool]


@dataclass(frozen=True, slots=True)
class DroppedFile:
    """A file a person handed in, and what they said about it.

    Attributes:
        path: Where its bytes lie now (their own copy, or the archive's).
        name: What they call it.
        head: Its first 64 KiB, decompressed when it is gzip.
        options: Column mapping and constants ("set.engine", "map.prompt", …) they gave on the command line.
    """

    path: Path
    name: str
    head: bytes
    options: dict[str, str]


@dataclass(frozen=True, slots=True)
class Import:
    """A file format.

    Attributes:
        describe: One line for a person: which files these are.
        refuse: None when the file is of this format, else the reason it is not; looks at name and head only.
        read: The facts in the file; raises `Unreadable` naming the line or member at fault.
    """

    describe: str
    refuse: Callable[[DroppedFile], str | None]
    read: Callable[[DroppedFile], Iterable[Fact]]
