"""Gather signals and corpora: ask every source, archive each reply, then read and commit it.

Sources are asked at the same time, each as fast as its host allows. One that fails is put on record and stops no other.
Whatever a kill leaves uncommitted is in the archive, and the next run commits it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from crawlers.base import Gathered, Http, Service, Wanted
from crawlers.reaching.pace import Pace
from crawlers.reaching.secrecy import redact, redacted_reply
from crawlers.replies import GATHER, PATIENCE, commit_gathered, finish_dead_runs, gathered_note, ungathered_note
from geo_flywheel import plugins
from geo_flywheel.errors import GeoFlywheelError, StoreError
from geo_flywheel.store import archive
from geo_flywheel.store.database import open_store

BATCH = 50  # replies to a commit
BATCH_BYTES = 16 * 1024**2
PACES = {
    "api.infini-gram.io": Pace(interval=1.0, connections=1),
    "api.infini-gram-mini.io": Pace(interval=1.0, connections=1),
    "data.commoncrawl.org": Pace(interval=0.55, connections=1),
    "datasets-server.huggingface.co": Pace(interval=1.0, connections=1),
    "en.wikipedia.org": Pace(interval=1.0, connections=1),
    "hn.algolia.com": Pace(interval=0.4, connections=1),  # 10,000 requests an hour per address
    "index.commoncrawl.org": Pace(interval=1.0, connections=1),
    "tranco-list.eu": Pace(interval=1.0, connections=1),
    "web.archive.org": Pace(interval=6.0, connections=1),
    "wikimedia.org": Pace(interval=0.1, connections=2),
}
"""What public services are spared, by host; those a person has a key for tell themselves when it is too much."""


@dataclass(slots=True)
class Came:
    """What came of one source.

    Attributes:
        replies: That were archived.
        added: Rows added per table.
        problems: Why it brought nothing, or what could not be read.
        stopped: Whether it was told to stop before it had asked for everything.
    """

    name: str
    replies: int = 0
    added: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Gathering:
    """What gathering needs.

    Attributes:
        store: The store's file.
        archive: The archive's folder.
        sources: How each source is asked, by the name of its plugin.
        now: Naive UTC.
        told: Called with the name of a source whenever it has replied.
        stop: Set when nothing more shall be asked; what is in flight is finished.
    """

    store: Path
    archive: Path
    sources: Mapping[str, Service]
    wanted: Wanted
    http: Http
    now: Callable[[], datetime]
    told: Callable[[str], None] = lambda _: None
    stop: asyncio.Event = field(default_factory=asyncio.Event)


async def gather(work: Gathering) -> list[Came]:
    """Ask every source for what is wanted and return what came of each, in their order.

    Raises:
        StoreError: If store or archive cannot be written; what was archived is committed by the next run.
    """
    await asyncio.to_thread(finish_dead_runs, work.store, work.archive)
    run = archive.Run(work.archive, GATHER)
    writing = asyncio.Lock()
    try:
        async with asyncio.TaskGroup() as group:
            rounds = [
                group.create_task(_Round(work, name, service, run, writing).go())
                for name, service in work.sources.items()
            ]
    except* StoreError as trouble:
        run.leave()
        raise trouble.exceptions[0] from None
    except* BaseException:
        run.leave()
        raise
    run.close()
    return [each.result() for each in rounds]


class _Round:
    """One source, from its first request to its last commit."""

    def __init__(self, work: Gathering, name: str, service: Service, run: archive.Run, writing: asyncio.Lock) -> None:
        self._came = Came(name)
        self._work, self._name, self._service, self._run, self._writing = work, name, service, run, writing
        self._waiting: list[archive.Entry] = []

    async def go(self) -> Came:
        try:
            async for gathered in plugins.source(self._name).gather(self._work.http, self._work.wanted, self._service):
                self._keep(gathered)
                if self._is_full():
                    await self._commit()
                if self._work.stop.is_set():
                    self._came.stopped = True
                    break
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one source, the others go on
            self._keep_failure(error)
        await self._commit()
        return self._came

    def _keep(self, gathered: Gathered) -> None:
        """Put a reply into the archive; a secret that slipped through is taken out here at the latest."""
        secrets = tuple(self._service.keys.values())
        options = {name: redact(value, secrets) for name, value in gathered.options.items()}
        reply = redacted_reply(gathered.reply, secrets)
        note = gathered_note(self._name, Gathered(replace(reply, url=redact(reply.url, secrets)), options))
        identity = self._run.keep_reply(note["name"], str(reply.status), list(reply.headers), reply.body, note)
        self._came.replies += 1
        self._wait(note, identity, reply.body)
        self._work.told(self._name)

    def _keep_failure(self, error: Exception) -> None:
        """Put on record why a source gave nothing more; what a stranger's error says may hold a secret."""
        says = f"gathering failed ({type(error).__name__}); report it"
        if isinstance(error, GeoFlywheelError):
            says = redact(str(error), tuple(self._service.keys.values()))
        note = ungathered_note(self._name, says, self._work.now())
        self._wait(note, self._run.note(note), None)

    def _wait(self, note: dict[str, Any], identity: str, body: bytes | None) -> None:
        run = self._run
        self._waiting.append(archive.Entry(run.run_id, run.kind, run.started_at, note, identity, body))

    def _is_full(self) -> bool:
        return len(self._waiting) >= BATCH or sum(len(entry.body or b"") for entry in self._waiting) >= BATCH_BYTES

    async def _commit(self) -> None:
        """Commit what waits, once it is on the disk."""
        entries, self._waiting = self._waiting, []
        if not entries:
            return
        async with self._writing:
            await asyncio.to_thread(self._run.sync)
            for added, problem in await asyncio.to_thread(_committed, self._work, entries):
                self._came.added += added
                self._came.problems += [problem] if problem else []


def _committed(work: Gathering, entries: list[archive.Entry]) -> list[tuple[Counter[str], str | None]]:
    with open_store(work.store, patience=PATIENCE) as store:
        return [commit_gathered(store, entry, work.archive) for entry in entries]
