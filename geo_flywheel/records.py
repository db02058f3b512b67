"""The facts that pass through the house: frozen and slotted.

Two distinctions are never blurred. A page *cited* in an answer (`Citation`) and a page only *retrieved* for it
(`Retrieval`) are two types, and neither is ever promoted to the other. *Absent* and *not observed* differ.
All times are naive UTC.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from msgspec import Struct, field

if TYPE_CHECKING:
    import pyarrow as pa

Span = tuple[int, int]
Half = Literal["A", "B"]


class Status(StrEnum):
    """What came of an ask."""

    GROUNDED = "grounded"
    UNGROUNDED = "ungrounded"
    NOT_SHOWN = "not_shown"
    INCOMPLETE = "incomplete"
    REFUSED = "refused"
    BLOCKED = "blocked"
    ERROR = "error"
    RETIRED = "retired"


class PresenceState(StrEnum):
    """What a corpus says of a unit; unknown is never absent."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Prompt(Struct, frozen=True):
    """A question as it is put: its words, and for whom and where they are said."""

    text: str
    topic: str = ""
    locale: str = ""
    persona: str = ""
    location: str = ""

    @property
    def id(self) -> str:
        """Identity over text, locale, persona and location, 16 hex digits; the topic is a label, not identity."""
        parts = "\x1f".join((self.text, self.locale, self.persona, self.location))
        return sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Ask(Struct, frozen=True):
    """The place of one question in the plan: which prompt, which draw, which half."""

    prompt: Prompt
    model_requested: str | None = None
    sample_no: int | None = None
    half: Half | None = None
    snapshot: str | None = None
    basket_revision: str | None = None


class Capture(Struct, frozen=True):
    """The bytes that came back, and nothing read from them yet.

    Attributes:
        plugin: File name of the plugin that reads it: an engine ("openai") or an import ("chatgpt_export").
        body: Raw bytes, decompressed.
        name: What a person calls it: the file's path or the request's address without secrets.
        asked_at: Naive UTC, or None when nothing tells.
        http_status: Status of the reply; None for a file.
        options: What the person said about a dropped file that it does not say itself (engine, surface, columns).
    """

    plugin: str
    body: bytes
    name: str = ""
    asked_at: datetime | None = None
    http_status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    ask: Ask | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Digest of the body, hexadecimal."""
        return sha256(self.body).hexdigest()


class Citation(Struct, frozen=True, gc=False):  # strings and numbers make no circle
    """A page the answer itself refers to, once per page.

    Attributes:
        url: Canonical form of `raw_url`; a redirect nobody followed stays as it is.
        position: Rank of its first appearance in the answer, from 1.
        occurrences: How often the answer refers to it.
        spans: One [start, end) in code points of the text per occurrence, None where it is not known or did not fit.
        passage: The words of the page it was cited for, when the engine or a text fragment gives them.
        domain: Domain the engine names when `url` is an opaque redirect.
    """

    url: str
    raw_url: str
    title: str | None
    position: int
    occurrences: int = 1
    spans: tuple[Span | None, ...] = ()
    passage: str | None = None
    domain: str | None = None


class Retrieval(Struct, frozen=True, gc=False):
    """A page the engine fetched or listed for the answer; being here is not being cited.

    Attributes:
        rank: Place in the order the engine gave them, from 1.
    """

    url: str
    raw_url: str
    title: str | None
    rank: int
    domain: str | None = None


class Answer(Struct, frozen=True):
    """One answer of one engine.

    Attributes:
        provider: Plugin that was asked; engine: who answered; surface: api, ui_export, serp_provider or tracker.
        model_served: Model the reply names; None when it names none.
        queries: Searches the engine ran for it (fan-out), in order, without empty ones.
        cost_usd: Cost told by the reply; None when it tells none. An estimate is marked by `cost_estimated`.
        skipped_blocks: Parts of the reply this reader does not know; they stay in the archive.
        id: Identity the source gives (conversation and message); None when its content is all there is.
    """

    provider: str
    engine: str
    surface: str
    status: Status
    text: str
    model_served: str | None = None
    citations: tuple[Citation, ...] = ()
    retrievals: tuple[Retrieval, ...] = ()
    queries: tuple[str, ...] = ()
    cost_usd: float | None = None
    skipped_blocks: int = 0
    asked_at: datetime | None = None
    ask: Ask | None = None
    id: str | None = None
    cost_estimated: bool = False


class Feedback(Struct, frozen=True):
    """What a person thought of one answer: a thumb, or an answer they asked again for.

    Attributes:
        answer_id: `Answer.id` of the answer judged.
        kind: "rating" (rating is 1, 0 or -1), "vote" (1 for the answer preferred, -1 for the other, 0 for a tie) or
            "regenerated" (1 for the branch kept, -1 for one left).
        rater: Who judged, as the source names them by a number of its own; no name or address of a person.
        score: The judgement on the source's own scale.
    """

    answer_id: str
    kind: Literal["rating", "vote", "regenerated"]
    rating: int
    given_at: datetime | None = None
    comment: str | None = None
    rater: str | None = None
    score: float | None = None


class Presence(Struct, frozen=True):
    """What one corpus holds of one unit.

    Attributes:
        corpus: Name of the corpus, as in data/corpora.toml where it is listed there.
        unit: A host, a site or a page URL, as `unit_kind` says.
        method: How it was counted ("published host table", "index query").
    """

    corpus: str
    unit: str
    unit_kind: Literal["host", "site", "page"]
    state: PresenceState
    method: str
    captures: int | None = None
    documents: int | None = None
    tokens: int | None = None
    observed_on: date | None = None


UnitKind = Literal["host", "site", "page"]


class Engagement(Struct, frozen=True):
    """What one source counts of one unit on one day.

    Attributes:
        source: Plugin that counted it, or the tool whose export it is ("ga4").
        unit: A page's address, a host or a site, as `unit_kind` says.
        metric: "sessions", "visitors", "pageviews", "clicks", "impressions", "backlinks", "points", "rank", …
        kind: "flow" is counted over the day, "level" is how it stood then.
        assistant: The assistant the visits came from, as in data/referrers.toml; None when not told apart.
        attribution: How that is known: "referrer", "utm", "channel" or "source"; the kinds are never summed unseen.
        rule: The filter or definition it was counted by.
        partial: Whether the source says that it left rows out (thresholds, samples); None when it does not say.
    """

    source: str
    unit: str
    unit_kind: UnitKind
    day: date
    metric: str
    value: float
    kind: Literal["flow", "level"] = "flow"
    assistant: str | None = None
    attribution: str | None = None
    rule: str | None = None
    partial: bool | None = None


class Permission(Struct, frozen=True):
    """What a site says about who may use a unit for what.

    Attributes:
        signal: "robots", "content_signal", "content_usage", "tdmrep", "x_robots_tag", "meta_robots", "ai_txt" or
            "llms_txt".
        agent: Token of the agent it is said to; None when it is said to all.
        purpose: "training", "search_index", "user_fetch", "agent", "any", or "discovery", which permits nothing.
        state: "not_stated" is said by nobody, "unknown" could not be read.
        value: As it is written there.
        observed_at: Naive UTC.
    """

    signal: str
    unit: str
    unit_kind: UnitKind
    agent: str | None
    purpose: str
    state: Literal["allowed", "disallowed", "not_stated", "unknown"]
    value: str | None
    observed_at: datetime


class Listing(Struct, frozen=True):
    """A page known to exist, from "sitemap", "crawl_index", "access_log" or "links": it could be cited."""

    source: str
    unit: str
    observed_on: date
    modified_on: date | None = None
    unit_kind: UnitKind = "page"


class PageText(Struct, frozen=True):
    """A page as it was fetched: what a corpus would extract of it.

    Attributes:
        unit: The page's address.
        words: Words of the extracted text, 0 when there is none.
        text_sha256: Digest of the extracted text.
        signature: MinHash, little-endian 32-bit words; None when the text has too few words for one.
        observed_at: Naive UTC.
    """

    unit: str
    status: int
    title: str | None
    language: str | None
    words: int
    text_sha256: str
    signature: bytes | None
    observed_at: datetime
    unit_kind: UnitKind = "page"


class PageRule(Struct, frozen=True):
    """How a page fares under one rule of a training filter.

    Attributes:
        rule_set: "gopher_quality", "gopher_repetition", "c4" or "fineweb".
        passed: None where the rule cannot be applied.
        low: Least value the rule allows, None where there is none; high: the greatest.
    """

    unit: str
    rule_set: str
    rule: str
    passed: bool | None
    value: float | None
    low: float | None
    high: float | None
    observed_at: datetime
    unit_kind: UnitKind = "page"


class PageLink(Struct, frozen=True):
    """A link from a page to an address, as its text has it, made absolute."""

    unit: str
    target: str
    observed_on: date
    unit_kind: UnitKind = "page"


TableKind = Literal[
    "observation", "presence", "engagement", "permission", "listing", "page_text", "page_rule", "page_link"
]


class Table(Struct, frozen=True):
    """What a bulk reader returns in place of a million objects.

    Attributes:
        kind: Table of the store the rows belong to.
        batches: Arrow record batches with that table's fixed import schema, in `geo_flywheel.store.schema`.
    """

    kind: TableKind
    batches: "Iterable[pa.RecordBatch]"


class Client(Struct, frozen=True):
    """Who a User-Agent line stands for: an agent of an AI operator, another program, or (agent null) a person."""

    agent: str | None = None
    operator: str | None = None
    purpose: str | None = None
    is_machine: bool = False


class Proof(Struct, frozen=True):
    """What the address of a request proves of the agent it names.

    Attributes:
        verification: "verified", "spoofed", "unverifiable" or "unknown_proxy".
        as_of: Day of the list that it was judged by.
    """

    verification: Literal["verified", "spoofed", "unverifiable", "unknown_proxy"]
    as_of: date | None = None


class Sender(Struct, frozen=True):
    """An assistant that sends people.

    Attributes:
        path: How the path of a referrer must begin, "" for any.
    """

    assistant: str
    operator: str
    path: str = ""


class Visitors(Protocol):
    """Tells who stands behind the requests of a log; asked once about each distinct value."""

    def clients(self, user_agents: Sequence[str]) -> Sequence[Client]:
        """Return who each User-Agent line stands for."""
        ...

    def proofs(self, claims: Sequence[tuple[str, str | None, str | None]]) -> Sequence[Proof]:
        """Return what each claim proves: agent, address it came from, addresses it was forwarded for."""
        ...

    def senders(self, hosts: Sequence[str]) -> Sequence[Sequence[Sender]]:
        """Return the assistants whose pages each host of a referrer holds."""
        ...

    def campaigns(self, utm_sources: Sequence[str]) -> Sequence[Sender | None]:
        """Return the assistant that adds each utm_source."""
        ...


class LogFile(Struct, frozen=True):
    """An access log, which the store reads line by line.

    Attributes:
        path: Where it lies; gzip or plain.
        format: What people call its format.
        layout: How its lines are laid out, by its name in `geo_flywheel.store.access_logs.layouts`.
        visitors: Who stands behind the requests.
        host: Host of the requests whose lines name none, lower case.
        keys: For lines of JSON, the path of each field, where it differs from log to log.
        begun: What its lines say, where the store makes that already.
    """

    path: Path
    format: str
    layout: Literal["combined", "vhost_combined", "alb", "w3c", "json"]
    visitors: Visitors
    host: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    begun: Iterator[Any] | None = None


class Resolution(Struct, frozen=True):
    """Where a redirect led when it was followed.

    Attributes:
        raw_url: The redirect, as the answer gives it.
        target: Page it led to; None when it led to none (expired, refused, in a circle).
        status: HTTP status of the last reply; None when there was none.
        resolved_at: When that was; naive UTC.
    """

    raw_url: str
    target: str | None
    status: int | None
    resolved_at: datetime


Placed = Presence | Engagement | Permission | Listing | PageText | PageRule | PageLink
Fact = Answer | Feedback | Placed | Resolution | Table | LogFile
