"""Write answers, feedback and presences that came as objects."""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

import pyarrow as pa

from geo_flywheel import urls
from geo_flywheel.records import Answer, Citation, Feedback, Presence, Retrieval
from geo_flywheel.store import bulk
from geo_flywheel.store.database import Store
from geo_flywheel.store.numbers import number_links, number_prompts
from geo_flywheel.store.schema import PRESENCE

_F = TypeVar("_F")

_ANSWER = (
    "answer_no, CAST(key AS UHUGEINT), reading_no, provider, engine, surface, model_requested, model_served, prompt_no,"
    " basket_revision, snapshot, sample_no, half, status, asked_at, text, cost_usd, skipped_blocks, source_id"
)


class Writer:
    """Writes the objects of one reading; equal ones inside it are told apart by their ordinal."""

    def __init__(self, store: Store, reading_no: int, asked_for: str | None) -> None:
        """Start for a reading; `asked_for` is the capture's identity when it answers an ask of ours."""
        self._store = store
        self._reading_no = reading_no
        self._asked_for = asked_for
        self._met: Counter[str] = Counter()

    def write(self, batch: Sequence[Answer | Feedback | Presence]) -> Counter[str]:
        """Store a batch and return the rows added per table."""
        added = self._write_answers([fact for fact in batch if isinstance(fact, Answer)])
        added += self._write_feedback([fact for fact in batch if isinstance(fact, Feedback)])
        presences = [fact for fact in batch if isinstance(fact, Presence)]
        if presences:
            added += bulk.append(self._store, self._reading_no, "presence", [_presence_batch(presences)])
        return added

    def _write_answers(self, answers: list[Answer]) -> Counter[str]:
        keyed = self._new({self._answer_key(answer): answer for answer in answers}, "answer")
        if not keyed:
            return Counter()
        first = int(self._store.rows("SELECT coalesce(max(answer_no), 0) + 1 FROM answer")[0][0])
        numbered = dict(enumerate(keyed.values(), first))
        prompts = number_prompts(self._store, [a.ask.prompt for a in keyed.values() if a.ask])
        self._insert("answer", _ANSWER, _answer_rows(numbered, list(keyed), self._reading_no, prompts))
        pages = [(no, c) for no, a in numbered.items() for c in a.citations]
        consulted = [(no, r) for no, a in numbered.items() for r in a.retrievals]
        self._insert_pages("citation", "position, occurrences, title, passage, spans", _citation_rows(pages))
        self._insert_pages("retrieval", "rank, title", _retrieval_rows(consulted))
        fan_out = [(no, i, q) for no, a in numbered.items() for i, q in enumerate(a.queries, 1)]
        self._insert("fan_out", "answer_no, ordinal, query", _fan_out_rows(fan_out))
        return Counter(answer=len(keyed), citation=len(pages), retrieval=len(consulted), fan_out=len(fan_out))

    def _answer_key(self, answer: Answer) -> str:
        if answer.id is not None:
            return _key(answer.provider, answer.id)
        content = self._asked_for or repr((answer.asked_at, answer.ask, answer))
        self._met[content] += 1
        return _key(answer.provider, content, str(self._met[content]))

    def _write_feedback(self, feedback: list[Feedback]) -> Counter[str]:
        keyed = self._new({_key(f.answer_id, f.kind, str(f.rating), str(f.given_at)): f for f in feedback}, "feedback")
        judged = list(keyed.values())
        rows = pa.table(
            {
                "key": pa.array(keyed, pa.string()),
                "reading_no": pa.array([self._reading_no] * len(judged), pa.int32()),
                "source_id": pa.array([f.answer_id for f in judged], pa.string()),
                "kind": pa.array([f.kind for f in judged], pa.string()),
                "rating": pa.array([f.rating for f in judged], pa.int32()),
                "given_at": pa.array([f.given_at for f in judged], pa.timestamp("us")),
                "comment": pa.array([f.comment for f in judged], pa.string()),
            }
        )
        self._insert("feedback", "CAST(key AS UHUGEINT), * EXCLUDE (key)", rows)
        return Counter(feedback=len(judged))

    def _new(self, keyed: dict[str, _F], table: str) -> dict[str, _F]:
        """The facts that no settled reading holds."""
        with self._store.staged("incoming", pa.table({"key": pa.array(keyed, pa.string())})):
            held = self._store.rows(
                f"SELECT CAST(t.key AS VARCHAR) FROM {table} AS t JOIN settled USING (reading_no)"
                " JOIN incoming AS i ON t.key = CAST(i.key AS UHUGEINT)"
            )
        known = {key for (key,) in held}
        return {key: fact for key, fact in keyed.items() if key not in known}

    def _insert(self, table: str, columns: str, rows: pa.Table) -> None:
        with self._store.staged("incoming", rows):
            self._store.connection.execute(f"INSERT INTO {table} SELECT {columns} FROM incoming")

    def _insert_pages(self, table: str, columns: str, rows: pa.Table) -> None:
        with self._store.staged("incoming", rows):
            number_links(self._store, "incoming")
            self._store.connection.execute(
                f"INSERT INTO {table} SELECT answer_no, page_no, link_no, {columns} FROM incoming"
                " JOIN link USING (raw_url) WHERE url_rules = ? ORDER BY ordinal",
                [urls.version()],
            )


def _key(*parts: str) -> str:
    """128-bit identity of the parts, in decimal."""
    digest = blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return str(int.from_bytes(digest, "big"))


def _answer_rows(numbered: dict[int, Answer], keys: list[str], reading_no: int, prompts: dict[str, int]) -> pa.Table:
    answers = list(numbered.values())
    asks = [answer.ask for answer in answers]
    text = pa.string()
    return pa.table(
        {
            "answer_no": pa.array(numbered, pa.int32()),
            "key": pa.array(keys, text),
            "reading_no": pa.array([reading_no] * len(answers), pa.int32()),
            "provider": pa.array([a.provider for a in answers], text),
            "engine": pa.array([a.engine for a in answers], text),
            "surface": pa.array([a.surface for a in answers], text),
            "model_requested": pa.array([ask and ask.model_requested for ask in asks], text),
            "model_served": pa.array([a.model_served for a in answers], text),
            "prompt_no": pa.array([ask and prompts[ask.prompt.id] for ask in asks], pa.int32()),
            "basket_revision": pa.array([ask and ask.basket_revision for ask in asks], text),
            "snapshot": pa.array([ask and ask.snapshot for ask in asks], text),
            "sample_no": pa.array([ask and ask.sample_no for ask in asks], pa.int32()),
            "half": pa.array([ask and ask.half for ask in asks], text),
            "status": pa.array([str(a.status) for a in answers], text),
            "asked_at": pa.array([a.asked_at for a in answers], pa.timestamp("us")),
            "text": pa.array([_storable(a.text) for a in answers], text),
            "cost_usd": pa.array([a.cost_usd for a in answers], pa.float64()),
            "skipped_blocks": pa.array([a.skipped_blocks for a in answers], pa.int32()),
            "source_id": pa.array([a.id for a in answers], text),
        }
    )


def _citation_rows(cited: list[tuple[int, Citation]]) -> pa.Table:
    spans = [[None if span is None else list(span) for span in c.spans] for _, c in cited]
    return (
        _page_rows(cited)
        .append_column("position", pa.array([c.position for _, c in cited], pa.int32()))
        .append_column("occurrences", pa.array([c.occurrences for _, c in cited], pa.int32()))
        .append_column("passage", pa.array([c.passage for _, c in cited], pa.string()))
        .append_column("spans", pa.array(spans, pa.list_(pa.list_(pa.int32()))))
    )


def _retrieval_rows(consulted: list[tuple[int, Retrieval]]) -> pa.Table:
    return _page_rows(consulted).append_column("rank", pa.array([r.rank for _, r in consulted], pa.int32()))


def _page_rows(pages: Sequence[tuple[int, Citation | Retrieval]]) -> pa.Table:
    return pa.table(
        {
            "ordinal": pa.array(range(len(pages)), pa.int64()),
            "answer_no": pa.array([no for no, _ in pages], pa.int32()),
            "raw_url": pa.array([_storable(page.raw_url) for _, page in pages], pa.string()),
            "domain": pa.array([page.domain for _, page in pages], pa.string()),
            "title": pa.array([page.title and _storable(page.title) for _, page in pages], pa.string()),
        }
    )


def _fan_out_rows(queries: list[tuple[int, int, str]]) -> pa.Table:
    return pa.table(
        {
            "answer_no": pa.array([no for no, _, _ in queries], pa.int32()),
            "ordinal": pa.array([ordinal for _, ordinal, _ in queries], pa.int32()),
            "query": pa.array([_storable(query) for _, _, query in queries], pa.string()),
        }
    )


def _presence_batch(presences: list[Presence]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(
        [{name: getattr(fact, name) for name in PRESENCE.names} for fact in presences], PRESENCE
    )


def _storable(text: str) -> str:
    """Text without lone surrogates, which UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
