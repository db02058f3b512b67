"""The contracts of the plugins: what an engine, a source and an import are made of, and how they reach the outside."""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlsplit

from crawlers.reading.wire import Document
from geo_flywheel.records import Answer, Ask, Capture, Fact


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent.

    Attributes:
        headers: Credentials among them.
        secrets: Every secret in it, wherever it stands (headers, address, body): none of them reaches disk or log.
        paid: Whether it costs money when it arrives, so that a repeat may be billed twice.
        public: A page of the open web and no API: robots.txt holds, private addresses are refused, replies are cached.
    """

    method: Literal["GET", "HEAD", "POST"]
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    paid: bool = False
    public: bool = False
    follow: bool = True

    def __repr__(self) -> str:
        return f"Request({self.method} {urlsplit(self.url).hostname})"  # all else may hold a secret


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever its status.

    Attributes:
        url: Address that answered, after redirects.
        body: Decompressed, within the limit of a reply.
        sent_at: When the request that was answered was sent; naive UTC.
        seconds: From then until the last byte.
        attempts: How often it was sent.
        unanswered: Attempts without a reply that may have been billed all the same.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    url: str
    sent_at: datetime
    seconds: float
    attempts: int = 1
    unanswered: int = 0


class Http(Protocol):
    """The one way out; `crawlers.http` is the real one."""

    async def send(self, request: Request) -> Reply:
        """Return the reply to a request, sent again as long as that can help.

        Raises:
            Refused: If the address may not be fetched (robots, private network).
            Throttled: If robots.txt cannot be read now. A reply that still says "later" when patience ends is
                evidence: it is returned.
            NoReply: If none came.
            Unreadable: If it is larger than a reply may be, or garbled.
        """
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """A provider as it is configured: where it is, as whom to ask, and how.

    Attributes:
        engine: Who shall answer, one of the plugin's `engines`.
        url: Base address; the provider's own unless the configuration names another.
        keys: Secrets by the name of their environment variable.
        model: Model to ask for; "" for providers without a choice.
        options: Further settings of the provider, as in the configuration.
    """

    engine: str
    url: str
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    model: str = ""
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asking:
    """How a provider is asked.

    Attributes:
        ask: Puts one question and returns the reply that holds the answer; what is sent on the way to it goes through
            the same `Http`, which records all of it.
        engines: Who can answer through it.
        url: The provider's own base address.
        keys: Names of the environment variables that hold its secrets.
        model: Model asked for unless the configuration names another.
        options: Settings it knows, with their defaults.
    """

    ask: Callable[[Http, Ask, Service], Awaitable[Reply]]
    engines: tuple[str, ...]
    url: str
    keys: tuple[str, ...]
    model: str = ""
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Engine:
    """A provider of answers.

    Attributes:
        read: Pure: the answers in a captured reply. Raises `Unreadable` when the body is not such a reply; a failure
            the provider reports inside a reply is an answer with its status, not an exception.
        render: What this provider would reply to give this answer: `read` of its bytes returns the same answer.
        claims: Whether these documents of one reply bear marks that only this provider leaves, so that a file nobody
            named a provider for can be read; at most one engine claims a reply.
        asking: How it is asked; None for one whose replies are only read.
    """

    read: Callable[[Capture], tuple[Answer, ...]]
    render: Callable[[Answer], bytes]
    claims: Callable[[Sequence[Document]], bool]
    asking: Asking | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a source of engagement or of training presence is asked about.

    Attributes:
        sites: Registrable domains or hosts, lower case; the person's own first.
        pages: Addresses of pages, where a source is asked page by page.
        since: First day, inclusive; until: last day, inclusive (UTC).
        passages: Distinctive sentences by the address of the page they stand on.
    """

    sites: tuple[str, ...]
    since: date
    until: date
    pages: tuple[str, ...] = ()
    passages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gathered:
    """A reply of a source, and what must be known to read it.

    Attributes:
        reply: As it came; whatever its status, it is evidence and is archived before it is read.
        options: What the reply does not say itself (site, day, corpus, the rule asked by), for `Source.read`.
    """

    reply: Reply
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """A source of engagement (`crawlers.signals`) or of training presence (`crawlers.corpora`).

    Attributes:
        describe: One line for a person.
        gather: Asks for what is wanted, page after page, and yields every reply; each is archived, then read. The
            service's `url` is the base address, `keys` its secrets, `options` its configuration.
        read: Pure: the facts in one reply. `Capture.options` holds `Gathered.options`. Raises `Unreadable` when the
            body is not such a reply. Nothing found is a fact of its own, and a failure is never "absent".
        url: The source's own base address.
        keys: Names of the environment variables that hold its secrets; a source with none runs without configuration.
        options: Settings it knows, with their defaults.
    """

    describe: str
    gather: Callable[[Http, Wanted, Service], AsyncIterator[Gathered]]
    read: Callable[[Capture], Iterable[Fact]]
    url: str
    keys: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)


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
        keeps: Whether the archive keeps its files unasked; those that hold personal data are kept with --keep only.
        rules: A name for the state of what it reads by beside its own code (lists that are dated), None for nothing.
        begin: As `read`, for a large file while its digest is taken: what takes long begins with the first fact.
    """

    describe: str
    refuse: Callable[[DroppedFile], str | None]
    read: Callable[[DroppedFile], Iterable[Fact]]
    keeps: bool = True
    rules: Callable[[], str] | None = None
    begin: Callable[[DroppedFile], Generator[Fact]] | None = None
