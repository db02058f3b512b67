"""The one loop: hold the money, ask, archive, read, commit.

Every reply is on the disk before it is stored, and the store is held only while a batch is committed: by another
thread, so that asking goes on meanwhile.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path

from crawlers.base import Http, Reply, Request, Service
from crawlers.budget import Budget
from crawlers.plan import Job, Sweep, Target, ask_id, jobs
from crawlers.redirects import resolve
from crawlers.replies import batches, failure_note, read_reply, redirects_note, reply_note, run_replies
from geo_flywheel import plugins
from geo_flywheel.errors import BudgetSpent, CrawlError
from geo_flywheel.records import Resolution, Status
from geo_flywheel.store import archive
from geo_flywheel.store.database import open_store
from geo_flywheel.store.replies import ReadReply, append_replies
from geo_flywheel.urls import canonical

BATCH = 400  # replies to a commit
LINGER = 2.0  # seconds a reply waits for its batch
KNOWN_REDIRECTS = 20_000  # redirects whose target a crawl remembers


@dataclass(frozen=True, slots=True)
class Places:
    """Where a crawl works: the store's file and the archive's folder."""

    store: Path
    archive: Path


@dataclass(frozen=True, slots=True)
class Asked:
    """One ask that is over, as progress is shown.

    Attributes:
        outcome: Status of the answer, "unreadable", or "no reply".
        usd: What it was charged, the worst case when nothing tells.
    """

    target: Target
    outcome: str
    usd: Decimal


@dataclass(slots=True)
class Tally:
    """What a crawl came to.

    Attributes:
        outcomes: Asks by target and outcome.
        spent: US dollars, estimates among them.
        left: Why not everything was asked; empty when it was.
    """

    outcomes: Counter[tuple[Target, str]] = field(default_factory=Counter)
    spent: Decimal = Decimal(0)
    left: str = ""

    @property
    def failed(self) -> int:
        """Asks that brought no answer."""
        bad = {Status.ERROR, Status.RETIRED, "unreadable", "no reply"}
        return sum(count for (_, outcome), count in self.outcomes.items() if outcome in bad)


@dataclass(frozen=True, slots=True)
class Crawl:
    """What a crawl needs.

    Attributes:
        worst: The most one ask of each target costs, None where nothing tells.
        price_table: Digest of the price table.
        now: Naive UTC.
        connections: Asks in flight at a time.
        told: Called with each ask that is over.
        stop: Set when nothing more shall be asked; what is in flight is finished.
        known_redirects: Where redirects led that this crawl has followed.
    """

    places: Places
    sweep: Sweep
    services: Mapping[Target, Service]
    http: Http
    budget: Budget
    worst: Mapping[Target, Decimal | None]
    price_table: str
    now: Callable[[], datetime]
    connections: int = 16
    told: Callable[[Asked], None] = lambda _: None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    known_redirects: dict[str, Resolution] = field(default_factory=dict)


def finish_dead_runs(places: Places) -> int:
    """Commit what runs that died had archived and not committed; returns the asks found there."""
    dead = archive.recover(places.archive)
    return sum(_commit(places.store, batch) for path in dead for batch in batches(run_replies(path)))


def _commit(store_path: Path, batch: list[ReadReply]) -> int:
    if batch:
        with open_store(store_path) as store:
            append_replies(store, batch)
    return len(batch)


def answered(store_path: Path, snapshot: str) -> frozenset[str]:
    """Return the ids of the asks of a snapshot that brought an answer; failed ones are asked again."""
    if not store_path.exists():
        return frozenset()
    with open_store(store_path, read_only=True) as store:
        rows = store.rows(
            "SELECT a.provider, a.engine, coalesce(a.model_requested, ''), p.prompt_id, a.sample_no FROM answers AS a"
            " JOIN prompt AS p USING (prompt_no) WHERE a.snapshot = ? AND a.status NOT IN ('error', 'retired')",
            [snapshot],
        )
    return frozenset(ask_id(Target(*who), prompt, sample_no, snapshot) for *who, prompt, sample_no in rows)


async def crawl(work: Crawl) -> Tally:
    """Ask what a sweep still lacks, and return what it came to.

    Raises:
        StoreError: If the store or the archive cannot be written; what was archived is committed by the next run.
    """
    finish_dead_runs(work.places)
    left = jobs(work.sweep, answered(work.places.store, work.sweep.snapshot))
    tally = Tally()
    run = archive.Run(work.places.archive, "crawl")
    committing = _Committing(work.places.store, run)
    try:
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(committing.keep_committing())
            askers = [group.create_task(_ask_on(work, left, run, committing, tally)) for _ in range(work.connections)]
            await asyncio.wait(askers)
            committing.over.set()
            await writer
    except BaseExceptionGroup as group:
        raise _first(group) from group
    finally:
        await asyncio.to_thread(committing.commit)
        run.close()
    return tally


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first of what went wrong."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def _ask_on(work: Crawl, left: Iterator[Job], run: archive.Run, committing: "_Committing", tally: Tally) -> None:
    """Take one job after the other until none is left, the money is spent, or the crawl is stopped."""
    for job in left:
        if work.stop.is_set():
            tally.left = tally.left or "stopped"
            return
        try:
            hold = await work.budget.hold(work.worst[job.target])
        except BudgetSpent as error:
            tally.left = str(error)
            work.stop.set()
            return
        reply = await _ask(work, job, run)
        usd = work.budget.settle(hold, _charged(reply))
        outcome = str(reply.answers[0].status) if reply.answers else "unreadable"
        outcome = "no reply" if reply.source.http_status is None else outcome
        tally.outcomes[job.target, outcome] += 1
        tally.spent += usd
        committing.add(reply)
        work.told(Asked(job.target, outcome, usd))


def _charged(reply: ReadReply) -> Decimal | None:
    """What an ask is charged: nothing when the service refused it, None when nothing tells."""
    if (reply.source.http_status or 0) >= HTTPStatus.BAD_REQUEST:
        return Decimal(0)
    costs = [answer.cost_usd for answer in reply.answers if answer.cost_usd is not None]
    return Decimal(str(sum(costs))) if costs else None


async def _ask(work: Crawl, job: Job, run: archive.Run) -> ReadReply:
    """Ask once, put what came on record, and read it."""
    asking = plugins.engine(job.provider).asking
    assert asking is not None, "services() lets nobody in who cannot be asked"  # noqa: S101
    way = _Recorded(work.http)
    asked_at = work.now()
    try:
        reply = replace(await asking.ask(way, job.ask, work.services[job.target]), sent_at=asked_at)
    except CrawlError as error:
        note = failure_note(job, str(error), asked_at)
        return read_reply(archive.Entry(run.run_id, run.kind, run.started_at, note, run.note(note)))
    for step in way.steps(reply):
        run.keep_reply(step.url, str(step.status), list(step.headers), step.body, {"kind": "step", "ask_id": job.id})
    note = reply_note(job, reply, work.price_table)
    identity = run.keep_reply(reply.url, str(reply.status), list(reply.headers), reply.body, note)
    entry = archive.Entry(run.run_id, run.kind, run.started_at, note, identity, reply.body)
    read = read_reply(entry)
    redirects = await _followed(work, run, identity, read)
    return read_reply(entry, redirects) if redirects else read


async def _followed(work: Crawl, run: archive.Run, identity: str, read: ReadReply) -> list[Resolution]:
    """Where the redirects that the answers cite lead; they expire, so they are followed at once."""
    met = [page.raw_url for answer in read.answers for page in answer.citations]
    met += [page.raw_url for answer in read.answers for page in answer.retrievals]
    opaque = [raw_url for raw_url in met if not canonical(raw_url).resolved]
    if not opaque:
        return []
    known = {raw_url: work.known_redirects.get(raw_url) for raw_url in opaque}
    new = await resolve(work.http, [raw_url for raw_url, led in known.items() if led is None], work.now)
    if len(work.known_redirects) + len(new) > KNOWN_REDIRECTS:
        work.known_redirects.clear()
    work.known_redirects.update((to.raw_url, to) for to in new)
    redirects = [*(led for led in known.values() if led is not None), *new]
    run.note(redirects_note(identity, redirects))
    return redirects


class _Recorded:
    """The way out, with everything that came back on the way to an answer."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._replies: list[Reply] = []

    async def send(self, request: Request) -> Reply:
        reply = await self._http.send(request)
        self._replies.append(reply)
        return reply

    def steps(self, answer: Reply) -> list[Reply]:
        """Replies that are not the one that holds the answer."""
        return [reply for reply in self._replies if reply.body != answer.body]


class _Committing:
    """Commits replies in batches, the archive put on the disk before each."""

    def __init__(self, store_path: Path, run: archive.Run) -> None:
        self._store_path = store_path
        self._run = run
        self._batch: list[ReadReply] = []
        self._full = asyncio.Event()
        self.over = asyncio.Event()

    def add(self, reply: ReadReply) -> None:
        self._batch.append(reply)
        if len(self._batch) >= BATCH:
            self._full.set()

    async def keep_committing(self) -> None:
        """Commit whenever a batch is full or has waited long enough, until everything is asked."""
        while not self.over.is_set():
            full, over = asyncio.ensure_future(self._full.wait()), asyncio.ensure_future(self.over.wait())
            await asyncio.wait((full, over), timeout=LINGER, return_when=asyncio.FIRST_COMPLETED)
            for waiting in (full, over):
                waiting.cancel()
                with suppress(asyncio.CancelledError):
                    await waiting
            self._full.clear()
            self._run.sync()
            batch, self._batch = self._batch, []
            await asyncio.to_thread(_commit, self._store_path, batch)

    def commit(self) -> None:
        """Commit what is left."""
        self._run.sync()
        batch, self._batch = self._batch, []
        _commit(self._store_path, batch)
