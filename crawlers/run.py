"""The one loop: hold the money, ask, archive, read, commit.

Every reply is on the disk before it is stored, and the store is held only while a batch is committed: by another
thread, so that asking goes on meanwhile. What goes wrong here ends the run as one that died, and the next one commits
what it had archived.
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

from crawlers import replies
from crawlers.base import Http, Reply, Request, Service
from crawlers.budget import Budget
from crawlers.plan import Job, Sweep, Target, ask_id, jobs
from crawlers.redirects import resolve
from crawlers.replies import PATIENCE, failure_note, led_on, read_reply, redirects_note, reply_note
from geo_flywheel import plugins
from geo_flywheel.errors import BudgetSpent, ConfigError, CrawlError, NoReply, Refused, StoreError, Throttled
from geo_flywheel.records import Resolution, Status
from geo_flywheel.store import archive
from geo_flywheel.store.database import open_store
from geo_flywheel.store.replies import ReadReply, append_replies
from geo_flywheel.urls import canonical

BATCH = 400  # replies to a commit
LINGER = 2.0  # seconds a reply waits for its batch
MOST_WAITING = 5 * BATCH  # replies that wait for a store that somebody else holds; then asking waits too
MEMORY = "64MB"  # of the store, while a batch is committed: it grows with every crawl, what a crawl takes shall not
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
    """Commit what runs that died had archived and not committed; returns the asks found there.

    Raises:
        StoreError: If the store cannot be written; the next run finds them again.
    """
    return replies.finish_dead_runs(places.store, places.archive)


def _commit(store_path: Path, batch: list[ReadReply]) -> None:
    if batch:
        with open_store(store_path, patience=PATIENCE) as store:
            store.keep_within(MEMORY)
            append_replies(store, batch)


def answered(store_path: Path, snapshot: str) -> frozenset[str]:
    """Return the ids of the asks of a snapshot that brought an answer; failed ones are asked again."""
    if not store_path.exists():
        return frozenset()
    with open_store(store_path, read_only=True, patience=PATIENCE) as store:
        rows = store.rows(
            "SELECT a.provider, a.engine, coalesce(a.model_requested, ''), p.prompt_id, a.sample_no FROM answers AS a"
            " JOIN prompt AS p USING (prompt_no) WHERE a.snapshot = ? AND a.status NOT IN ('error', 'retired')",
            [snapshot],
        )
    return frozenset(ask_id(Target(*who), prompt, sample_no, snapshot) for *who, prompt, sample_no in rows)


async def crawl(work: Crawl) -> Tally:
    """Ask what a sweep still lacks, and return what it came to.

    Raises:
        ConfigError: If a provider cannot be asked as it is configured.
        StoreError: If the store or the archive cannot be written; what was archived is committed by the next run.
    """
    await asyncio.to_thread(finish_dead_runs, work.places)
    left = jobs(work.sweep, await asyncio.to_thread(answered, work.places.store, work.sweep.snapshot))
    run = archive.Run(work.places.archive, "crawl")
    loop = _Loop(work, left, run)
    try:
        await loop.go_round()
    except BaseException:
        run.leave()
        raise
    run.close()
    return loop.tally


class _Loop:
    """One run: many ask, one commits; the first trouble of any of them stops the asking, not what is in flight."""

    def __init__(self, work: Crawl, left: Iterator[Job], run: archive.Run) -> None:
        self.tally = Tally()
        self._work, self._left, self._run = work, left, run
        self._came: asyncio.Queue[ReadReply | None] = asyncio.Queue(MOST_WAITING)
        self._trouble: Exception | None = None

    async def go_round(self) -> None:
        """Ask and commit until all is asked."""
        writer = asyncio.create_task(self._keep_committing())
        try:
            await asyncio.gather(*(self._ask_on() for _ in range(self._work.connections)))
        finally:
            await self._came.put(None)
            await writer
        if self._trouble is not None:
            raise self._trouble

    async def _ask_on(self) -> None:
        """Take one job after the other until none is left, the money is spent, or the crawl is stopped."""
        try:
            for job in self._left:
                if not self._may_ask_on() or not await self._ask_within_budget(job):
                    return
        except Exception as error:  # noqa: BLE001 - raised when what is in flight is done
            self._trouble = self._trouble or error

    async def _ask_within_budget(self, job: Job) -> bool:
        """Ask, unless the money is spent; returns whether it was asked."""
        work, tally = self._work, self.tally
        try:
            hold = await work.budget.hold(work.worst[job.target])
        except BudgetSpent as error:
            tally.left = str(error)
            return False
        if not self._may_ask_on():  # it took a while
            work.budget.settle(hold, Decimal(0))
            return False
        reply, cost = await _ask(work, job, self._run)
        usd = work.budget.settle(hold, cost)
        outcome = str(reply.answers[0].status) if reply.answers else "unreadable"
        outcome = "no reply" if reply.source.http_status is None else outcome
        tally.outcomes[job.target, outcome] += 1
        tally.spent += usd
        work.told(Asked(job.target, outcome, usd))
        await self._came.put(reply)
        return True

    def _may_ask_on(self) -> bool:
        if self._work.stop.is_set():
            self.tally.left = self.tally.left or "stopped"
        return not (self.tally.left or self._trouble)

    async def _keep_committing(self) -> None:
        """Commit whenever a batch is full or its first reply has waited long enough, until everything is asked."""
        over = False
        while not over:
            batch = [await self._came.get()]
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    while batch[-1] is not None and len(batch) < BATCH:
                        batch.append(await self._came.get())
            over = batch[-1] is None
            await self._commit([reply for reply in batch if reply is not None])

    async def _commit(self, batch: list[ReadReply]) -> None:
        """Commit replies once they are on the disk; what the store does not take is left to the next run."""
        if isinstance(self._trouble, StoreError):
            return
        try:
            await asyncio.to_thread(self._run.sync)
            await asyncio.to_thread(_commit, self._work.places.store, batch)
        except Exception as error:  # noqa: BLE001 - raised when what is in flight is done
            self._trouble = error


async def _ask(work: Crawl, job: Job, run: archive.Run) -> tuple[ReadReply, Decimal | None]:
    """Ask once, put what came on record, and read it; also returns what it is charged, None when nothing tells."""
    asking = plugins.engine(job.provider).asking
    assert asking is not None, "services() lets nobody in who cannot be asked"  # noqa: S101
    way = _Recorded(work.http)
    asked_at = work.now()
    try:
        reply = replace(await asking.ask(way, job.ask, work.services[job.target]), sent_at=asked_at)
    except ConfigError:
        raise  # every ask of this provider would fail alike
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one ask, the others go on
        _keep_steps(run, job, way.replies)
        note = failure_note(job, _problem(error), asked_at, getattr(error, "unanswered", 0))
        read = read_reply(archive.Entry(run.run_id, run.kind, run.started_at, note, run.note(note)))
        return read, Decimal(0) if _was_free(error) and not way.replies else None
    _keep_steps(run, job, [step for step in way.replies if step.body != reply.body])
    note = reply_note(job, reply, work.price_table)
    identity = run.keep_reply(reply.url, str(reply.status), list(reply.headers), reply.body, note)
    read = read_reply(archive.Entry(run.run_id, run.kind, run.started_at, note, identity, reply.body))
    return led_on(read, await _followed(work, run, identity, read)), _charged(read, reply)


def _keep_steps(run: archive.Run, job: Job, steps: list[Reply]) -> None:
    """Put on record what came on the way to an answer."""
    for step in steps:
        run.keep_reply(step.url, str(step.status), list(step.headers), step.body, {"step_of": job.id})


def _problem(error: Exception) -> str:
    """Why no reply came; what a stranger's error says may hold a secret."""
    return str(error) if isinstance(error, CrawlError) else f"asking failed ({type(error).__name__}); report it"


def _was_free(error: Exception) -> bool:
    """Whether nothing was sent that could be billed."""
    return isinstance(error, Refused | Throttled) or (isinstance(error, NoReply) and not error.unanswered)


def _charged(read: ReadReply, reply: Reply) -> Decimal | None:
    """What an ask is charged: nothing when the service refused it, None when nothing tells.

    Attempts without a reply that may have been billed are charged like the one with it.
    """
    if reply.status >= HTTPStatus.BAD_REQUEST:
        return None if reply.unanswered else Decimal(0)
    costs = [Decimal(str(answer.cost_usd)) for answer in read.answers if answer.cost_usd is not None]
    return sum(costs, Decimal(0)) * (1 + reply.unanswered) if costs else None


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
    """The way out, with everything that came back through it."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.replies: list[Reply] = []

    async def send(self, request: Request) -> Reply:
        reply = await self._http.send(request)
        self.replies.append(reply)
        return reply
