"""Write answers and feedback that came as objects."""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TypeVar

import pyarrow as pa

from geo_flywheel import urls
from geo_flywheel.records import Answer, Citation, Feedback, Resolution, Retrieval
from geo_flywheel.store.database import Store
from geo_flywheel.store.numbers import number_links, number_prompts, texts
from geo_flywheel.store.overlap import Overlap

_F = TypeVar("_F")

# The keys as they were handed in: DuckDB takes 0.15 ms to write one of its own as text.
_HELD = "SELECT DISTINCT i.key FROM incoming AS i JOIN held AS h ON h.key = CAST(i.key AS UHUGEINT)"
_ANSWER = (
    "answer_no, CAST(key AS UHUGEINT), reading_no, provider, engine, surface, model_requested, model_served, prompt_no,"
    " basket_revision, snapshot, sample_no, half, status, asked_at, text, cost_usd, skipped_blocks, source_id, topic,"
    " cost_estimated"
)


class Writer:
    """Writes the objects of one reading; equal ones inside it are told apart by their ordinal."""

    def __init__(self, overlap: Overlap, asked_for: str | None) -> None:
        """Start for the reading of `overlap`; `asked_for` is the capture's identity when it answers an ask of ours."""
        self._store = overlap.store
        self._reading_no = overlap.reading_no
        self._overlap = overlap
        self._asked_for = asked_for
        self._met: Counter[str] = Counter()
        self._written: set[str] = set()

    def write(self, batch: Sequence[Answer | Feedback | Resolution]) -> Counter[str]:
        """Store a batch and return the rows added per table."""
        added = self._write_answers([fact for fact in batch if isinstance(fact, Answer)])
        added += self._write_feedback([fact for fact in batch if isinstance(fact, Feedback)])
        followed = [(self._reading_no, fact) for fact in batch if isinstance(fact, Resolution)]
        return added + insert_redirects(self._store, followed)

    def _write_answers(self, answers: list[Answer]) -> Counter[str]:
        keyed = self._new({self._answer_key(answer): answer for answer in answers}, "answer")
        return insert_answers(self._store, {key: (self._reading_no, answer) for key, answer in keyed.items()})

    def _answer_key(self, answer: Answer) -> str:
        if answer.id is not None:
            return _key(answer.provider, answer.id)
        content = self._asked_for or _content(answer)
        self._met[content] += 1
        return reply_key(answer, content, self._met[content])

    def _write_feedback(self, feedback: list[Feedback]) -> Counter[str]:
        keyed = self._new({_feedback_key(f): f for f in feedback}, "feedback")
        if keyed:
            rows = _feedback_rows(list(keyed), list(keyed.values()), self._reading_no)
            self._insert("feedback", "CAST(key AS UHUGEINT), * EXCLUDE (key)", rows)
        return Counter(feedback=len(keyed))

    def _new(self, keyed: dict[str, _F], table: str) -> dict[str, _F]:
        """The facts that neither this reading nor another current one holds."""
        fresh = {key: fact for key, fact in keyed.items() if key not in self._written}
        self._written.update(fresh)
        if fresh:
            with self._store.staged("incoming", pa.table({"key": pa.array(fresh, pa.string())})):
                held = self._overlap.held(table, "(SELECT CAST(key AS UHUGEINT) AS key FROM incoming)")
                for (key,) in self._store.rows(_HELD) if held else ():
                    del fresh[key]
        return fresh

    def _insert(self, table: str, columns: str, rows: pa.Table) -> None:
        _insert(self._store, table, columns, rows)


def reply_key(answer: Answer, content: str, ordinal: int) -> str:
    """Return the key of the answer that is the n-th (from 1) of a content: of a reply, or of equal answers."""
    return _key(answer.provider, _key(content), str(ordinal))


def _content(answer: Answer) -> str:
    """What makes two answers of files equal, written the same by every release."""
    ask = answer.ask and (answer.ask.prompt.id, answer.ask.sample_no, answer.ask.half, answer.ask.snapshot)
    cited = [(page.raw_url, page.position, page.occurrences) for page in answer.citations]
    seen = [page.raw_url for page in answer.retrievals]
    who = (answer.engine, answer.surface, answer.model_served, str(answer.status), str(answer.asked_at))
    return repr((*who, ask, answer.text, cited, seen, answer.queries))


def insert_answers(store: Store, keyed: Mapping[str, tuple[int, Answer]]) -> Counter[str]:
    """Insert answers that are not in the store yet, with all that belongs to them, and return the rows per table.

    Args:
        store: Inside a transaction.
        keyed: Number of the reading and the answer, by the answer's key.
    """
    if not keyed:
        return Counter()
    first = int(store.rows("SELECT coalesce(max(answer_no), 0) + 1 FROM answer")[0][0])
    readings, answers = zip(*keyed.values(), strict=True)
    numbered = dict(enumerate(answers, first))
    prompts = number_prompts(store, [answer.ask.prompt for answer in answers if answer.ask])
    _insert(store, "answer", _ANSWER, _answer_rows(numbered, list(keyed), list(readings), prompts))
    pages = [(no, c) for no, a in numbered.items() for c in a.citations]
    consulted = [(no, r) for no, a in numbered.items() for r in a.retrievals]
    fan_out = [(no, i, q) for no, a in numbered.items() for i, q in enumerate(a.queries, 1)]
    _number_links(store, [*(page for _, page in pages), *(page for _, page in consulted)])
    _insert_pages(store, "citation", "position, occurrences, title, passage, spans", _citation_rows(pages))
    _insert_pages(store, "retrieval", "rank, title", _retrieval_rows(consulted))
    _insert(store, "fan_out", "answer_no, ordinal, query", _fan_out_rows(fan_out))
    return Counter(answer=len(keyed), citation=len(pages), retrieval=len(consulted), fan_out=len(fan_out))


def insert_redirects(store: Store, followed: Sequence[tuple[int, Resolution]]) -> Counter[str]:
    """Insert where redirects led, each with the number of its reading."""
    rows = pa.table(
        {
            "reading_no": pa.array([reading_no for reading_no, _ in followed], pa.int32()),
            "raw_url": texts(fact.raw_url for _, fact in followed),
            "target": texts(fact.target for _, fact in followed),
            "status": pa.array([fact.status for _, fact in followed], pa.int32()),
            "resolved_at": pa.array([fact.resolved_at for _, fact in followed], pa.timestamp("us")),
        }
    )
    _insert(store, "redirect", "*", rows)
    return Counter(redirect=len(followed))


def _insert(store: Store, table: str, columns: str, rows: pa.Table, rest: str = "") -> None:
    if rows.num_rows:
        with store.staged("incoming", rows):
            store.connection.execute(f"INSERT INTO {table} SELECT {columns} FROM incoming {rest}")


def _insert_pages(store: Store, table: str, columns: str, rows: pa.Table) -> None:
    linked = f"JOIN link USING (raw_url, domain) WHERE url_rules = '{urls.version()}' ORDER BY ordinal"
    _insert(store, table, f"answer_no, page_no, link_no, {columns}", rows, linked)


def _number_links(store: Store, pages: Sequence[Citation | Retrieval]) -> None:
    if pages:
        met = pa.table({"raw_url": texts(p.raw_url for p in pages), "domain": texts(p.domain or "" for p in pages)})
        with store.staged("incoming", met):
            number_links(store, "incoming")


def _feedback_key(feedback: Feedback) -> str:
    """Written as by every release where the source tells no rater and no score of its own."""
    parts = [feedback.answer_id, feedback.kind, str(feedback.rating), str(feedback.given_at)]
    if feedback.rater is not None or feedback.score is not None:
        parts += [str(feedback.rater), str(feedback.score), str(feedback.comment)]
    return _key(*parts)


def _key(*parts: str) -> str:
    """128-bit identity of the parts, in decimal."""
    digest = blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return str(int.from_bytes(digest, "big"))


def _answer_rows(
    numbered: dict[int, Answer], keys: list[str], readings: list[int], prompts: dict[str, int]
) -> pa.Table:
    answers = list(numbered.values())
    asks = [answer.ask for answer in answers]
    return pa.table(
        {
            "answer_no": pa.array(numbered, pa.int32()),
            "key": pa.array(keys, pa.string()),
            "reading_no": pa.array(readings, pa.int32()),
            "provider": texts(a.provider for a in answers),
            "engine": texts(a.engine for a in answers),
            "surface": texts(a.surface for a in answers),
            "model_requested": texts(ask.model_requested if ask else None for ask in asks),
            "model_served": texts(a.model_served for a in answers),
            "prompt_no": pa.array([prompts[ask.prompt.id] if ask else None for ask in asks], pa.int32()),
            "basket_revision": texts(ask.basket_revision if ask else None for ask in asks),
            "snapshot": texts(ask.snapshot if ask else None for ask in asks),
            "sample_no": pa.array([ask.sample_no if ask else None for ask in asks], pa.int32()),
            "half": texts(ask.half if ask else None for ask in asks),
            "status": texts(str(a.status) for a in answers),
            "asked_at": pa.array([a.asked_at for a in answers], pa.timestamp("us")),
            "text": texts(a.text for a in answers),
            "cost_usd": pa.array([a.cost_usd for a in answers], pa.float64()),
            "skipped_blocks": pa.array([a.skipped_blocks for a in answers], pa.int32()),
            "source_id": texts(a.id for a in answers),
            "topic": texts(ask.prompt.topic if ask else None for ask in asks),
            "cost_estimated": pa.array([a.cost_estimated for a in answers], pa.bool_()),
        }
    )


def _feedback_rows(keys: list[str], feedback: list[Feedback], reading_no: int) -> pa.Table:
    return pa.table(
        {
            "key": pa.array(keys, pa.string()),
            "reading_no": pa.array([reading_no] * len(keys), pa.int32()),
            "source_id": texts(f.answer_id for f in feedback),
            "kind": texts(f.kind for f in feedback),
            "rating": pa.array([f.rating for f in feedback], pa.int32()),
            "given_at": pa.array([f.given_at for f in feedback], pa.timestamp("us")),
            "comment": texts(f.comment for f in feedback),
            "rater": texts(f.rater for f in feedback),
            "score": pa.array([f.score for f in feedback], pa.float64()),
        }
    )


def _citation_rows(cited: list[tuple[int, Citation]]) -> pa.Table:
    spans = [[None if span is None else list(span) for span in c.spans] for _, c in cited]
    return (
        _page_rows(cited)
        .append_column("position", pa.array([c.position for _, c in cited], pa.int32()))
        .append_column("occurrences", pa.array([c.occurrences for _, c in cited], pa.int32()))
        .append_column("passage", texts(c.passage for _, c in cited))
        .append_column("spans", pa.array(spans, pa.list_(pa.list_(pa.int32()))))
    )


def _retrieval_rows(consulted: list[tuple[int, Retrieval]]) -> pa.Table:
    return _page_rows(consulted).append_column("rank", pa.array([r.rank for _, r in consulted], pa.int32()))


def _page_rows(pages: Sequence[tuple[int, Citation | Retrieval]]) -> pa.Table:
    return pa.table(
        {
            "ordinal": pa.array(range(len(pages)), pa.int64()),
            "answer_no": pa.array([no for no, _ in pages], pa.int32()),
            "raw_url": texts(page.raw_url for _, page in pages),
            "domain": texts(page.domain or "" for _, page in pages),
            "title": texts(page.title for _, page in pages),
        }
    )


def _fan_out_rows(queries: list[tuple[int, int, str]]) -> pa.Table:
    return pa.table(
        {
            "answer_no": pa.array([no for no, _, _ in queries], pa.int32()),
            "ordinal": pa.array([ordinal for _, ordinal, _ in queries], pa.int32()),
            "query": texts(query for _, _, query in queries),
        }
    )
