"""Dated citations as a table: the project's own, or a tracker's export. CSV, NDJSON or Parquet.

Rows are pages, or whole answers.

A row says that at a time an engine cited a page: `observed_at` and `url`, and where they are known `provider`,
`engine`, `surface`, `model`, `prompt`, `topic`, `locale`, `title`, `position` (from 1), `cited` (how many answers cited
it; 1 when not said) and `asked` (of how many answers; unknown when not said). A row without a URL says that something
was asked and nothing was cited. Other names of columns, and constants, are options: `--map topic=section` takes a
column (`--map topic=` none), `--set engine=perplexity` gives every row the same value. Trackers call the columns by
many names; a count of retrievals is no count of citations, and a cited status of "no" is a page looked for in vain.

A line of NDJSON may instead hold one whole answer: `prompt`, `answer`, and the lists `cited` and `retrieved` of URLs or
of `{url, title}`. Then it is known what was asked, and an answer without citations counts. A list that is called
search_results is what was retrieved, unless `--map cited=search_results` says otherwise.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crawlers.base import DroppedFile, Import
from crawlers.dropped.columns import Chunk
from crawlers.dropped.fields import Fields, find, listed, plain
from crawlers.dropped.tables import Source, lines, open_table
from crawlers.reading.citing import Citing, retrievals
from crawlers.reading.lenient import moment
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Fact, Prompt, Status, Table
from geo_flywheel.store.schema import OBSERVATION

Choose = Callable[[Sequence[str]], Fields]

NAMES = {
    "observed_at": (
        *("observed_at_utc", "asked_at", "date", "day", "created", "created_at", "execution_date", "run_date"),
        *("refresh_date", "last_cited"),
    ),
    "raw_url": ("url", "cited_url", "page_url", "link", "source_url", "citation_url", "cited_page"),
    "provider": (),
    "engine": ("model_provider", "platform", "llm_service", "ai_engine", "llm", "ai_model", "platforms"),
    "surface": (),
    "model": (),
    "prompt": ("question", "query", "chat", "search_prompt"),
    "topic": ("category", "tag"),
    "locale": ("country", "location", "region"),
    "title": ("page_title",),
    "position": ("rank", "citation_position"),
    "cited": ("citations", "citation_count", "cited_count", "current_citations", "cited_status", "is_cited"),
    "asked": ("answers", "sample_size"),
    "text": ("answer", "result"),
    "retrieved": ("search_results", "sources"),
    "status": (),
    "queries": (),
    "id": (),
}
_TIMES = ("observed_at", *NAMES["observed_at"])
_RETRIEVED = {"retrievals", "usage_count", "times_used", "used"}
_CITED, _NOT_CITED = ("cited", "yes", "true"), ("not cited", "not_cited", "uncited", "no", "false")


def refuse(file: DroppedFile) -> str | None:
    """Return None for a table with a time and a URL, or answers with a time; else what is missing."""
    try:
        _opened(file)
    except Unreadable as error:
        return str(error).removeprefix(f"{file.name}: ")
    return None


def read(file: DroppedFile) -> Iterator[Fact]:
    """Yield one table of observations, or the answers.

    Raises:
        Unreadable: Naming the line at fault; what was yielded before it is not to be kept.
    """
    source, choose = _opened(file)
    if _holds_answers(source, choose(source.columns)):
        yield from _answers(file, choose)
    else:
        yield Table("observation", _batches(source, choose))


IMPORT = Import("dated citations in the project's own table: CSV, NDJSON or Parquet", refuse, read)


def _opened(file: DroppedFile) -> tuple[Source, Choose]:
    """The table and how its fields are found, once it is sure that it holds observations."""
    source = open_table(file)

    def choose(columns: Sequence[str]) -> Fields:
        try:
            return _fields(columns, source, file.options)
        except Unreadable as error:
            raise Unreadable(f"{file.name}: {error}") from error

    fields = choose(source.columns)
    if "raw_url" not in fields and not _holds_answers(source, fields):
        raise Unreadable(f"{file.name}: no column of URLs among {listed(source.columns)}; say which: --map url=COLUMN")
    words = {word for column in source.columns for word in plain(column).split("_")}
    if "corpus" in words or ("tokens" in words and "observed_at" not in fields.columns):
        raise Unreadable(f"{file.name}: names a corpus or counts tokens: a table of training presence")
    if "cited" not in fields and (said := _RETRIEVED & {plain(column) for column in source.columns}):
        raise Unreadable(
            f"{file.name}: {', '.join(sorted(said))} counts what was retrieved, which is not cited; say which column"
            " counts citations: --map cited=COLUMN, or that each row is one: --set cited=1"
        )
    if "observed_at" not in fields:
        raise Unreadable(
            f"{file.name}: no column of times among {listed(source.columns)}; "
            "say which: --map observed_at=COLUMN, or when it all was: --set observed_at=2025-12-31"
        )
    return source, choose


def _fields(columns: Sequence[str], source: Source, options: dict[str, str]) -> Fields:
    """The fields, the time from the column that tells it most precisely."""
    precise = [c for c in columns if plain(c) in _TIMES and ":" in source.first.get(c, "")]
    precise.sort(key=lambda column: _TIMES.index(plain(column)))
    said = any(option in options for option in ("map.observed_at", "set.observed_at"))
    best = {"map.observed_at": precise[0]} if precise and not said else {}
    fields = find(columns, NAMES, {**best, **options})
    said_time = fields.constants.get("observed_at")
    if said_time is not None and moment(said_time) is None:
        raise Unreadable(f"--set observed_at={said_time}: not a date or time; write it as --set observed_at=2025-12-31")
    return fields


def _holds_answers(source: Source, fields: Fields) -> bool:
    """Whether the lines are answers: a text, or a question with a list of pages, and no URL that the line is about."""
    row = source.object
    text, prompt = (isinstance(row.get(fields.columns.get(field, "")), str) for field in ("text", "prompt"))
    listed = any(isinstance(row.get(fields.columns.get(field, "")), list) for field in ("cited", "retrieved"))
    return (listed and (text or prompt)) or (text and "raw_url" not in fields)


def _batches(source: Source, choose: Choose) -> Iterator[pa.RecordBatch]:
    wanted = set(OBSERVATION.names)
    for start, columns in source.batches(lambda names: _only(choose(names).columns, wanted)):
        constants = choose(source.columns).constants
        rows = len(next(iter(columns.values())))
        given = {field: pa.repeat(value, rows) for field, value in constants.items() if field in wanted}
        yield _batch(Chunk(source, start, columns | given))


def _only(columns: Any, wanted: set[str]) -> dict[str, str]:
    return {field: column for field, column in columns.items() if field in wanted}


def _batch(chunk: Chunk) -> pa.RecordBatch:
    """One batch in the schema of the store, every rule of the table checked."""
    text = {name: _text(chunk, name) for name in OBSERVATION.names if OBSERVATION.field(name).type == pa.string()}
    engine = pc.fill_null(text["engine"], "unknown")
    cited, asked = _counted(chunk, text["raw_url"])
    columns = text | {
        "observed_at": chunk.times("observed_at"),
        "engine": engine,
        "provider": pc.coalesce(text["provider"], engine),
        "surface": pc.fill_null(text["surface"], "tracker"),
        "position": _count(chunk, "position", least=1),
        "cited": cited,
        "asked": asked,
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in OBSERVATION.names], schema=OBSERVATION)


def _text(chunk: Chunk, name: str) -> "pa.Array[Any]":
    return chunk.text(name) if name in chunk else pa.nulls(chunk.rows, pa.string())


def _count(chunk: Chunk, name: str, least: int = 0) -> "pa.Array[Any]":
    return chunk.counts(name, pa.int32(), least) if name in chunk else pa.nulls(chunk.rows, pa.int32())


def _counted(chunk: Chunk, urls: "pa.Array[Any]") -> "tuple[pa.Array[Any], pa.Array[Any]]":
    """How many answers cited the page, and of how many."""
    once = pc.if_else(pc.is_valid(urls), pa.scalar(1, pa.int32()), pa.scalar(0, pa.int32()))
    cited, asked = pc.coalesce(_cited(chunk), once), _count(chunk, "asked")
    chunk.refuse(
        pc.and_(pc.is_null(urls), pc.greater(cited, 0)),
        lambda row: f"cited is {cited[row]} without a URL; leave it empty",
    )
    chunk.refuse(pc.greater(cited, asked), lambda row: f"cited is {cited[row]}, more than the {asked[row]} asked")
    return cited, asked


def _cited(chunk: Chunk) -> "pa.Array[Any]":
    """How many answers cited the page, told as a number or as yes or no."""
    if "cited" not in chunk:
        return _count(chunk, "cited")
    said = pc.utf8_lower(chunk.text("cited"))
    yes, no = (pc.is_in(said, value_set=pa.array(words)) for words in (_CITED, _NOT_CITED))
    if pc.any(pc.or_(yes, no)).as_py():
        chunk.refuse(
            pc.and_(pc.is_valid(said), pc.invert(pc.or_(yes, no))),
            lambda row: f"cited is {said[row]}, neither yes nor no; mend that line",
        )
        return pc.if_else(pc.is_null(said), pa.scalar(None, pa.int32()), yes.cast(pa.int32()))
    return _count(chunk, "cited")


def _answers(file: DroppedFile, choose: Choose) -> Iterator[Answer]:
    """The answers of the file; one that comes twice under one id and time stays two."""
    known: dict[tuple[str, ...], Fields] = {}
    seen: dict[str, int] = {}
    for number, row in lines(file):
        keys = tuple(row)
        if keys not in known:
            known[keys] = choose(keys)
        yield _answer(_Row(row, known[keys], f"{file.name}: line {number}"), seen)


class _Row:
    """One answer as the file has it."""

    def __init__(self, row: dict[str, Any], fields: Fields, where: str) -> None:
        self._row = row
        self._fields = fields
        self.where = where

    def value(self, field: str) -> Any:
        """What the person said of every row, or what this one says."""
        if field in self._fields.constants:
            return self._fields.constants[field]
        return self._row.get(self._fields.columns.get(field, ""))

    def text(self, field: str) -> str:
        """A text; "" when there is none."""
        value = self.value(field)
        if value is None or isinstance(value, str | int | float):
            return "" if value is None else str(value).strip()
        raise Unreadable(f"{self.where}: {field} is a JSON {type(value).__name__}, not a text; mend that line")

    def pages(self, field: str) -> Iterator[tuple[str, str | None]]:
        """URL and title of each page of a list; entries without a URL are left out."""
        for page in self.values(field):
            link, title = page, None
            if isinstance(page, dict):
                link, title = page.get("url") or page.get("link"), page.get("title")
            if not isinstance(link, str | None):
                raise Unreadable(f"{self.where}: {field} holds {link!r:.40} where a URL should stand; mend that line")
            if link and link.strip():
                yield link, title if isinstance(title, str) else None

    def values(self, field: str) -> list[Any]:
        """A list; empty when there is none."""
        value = self.value(field)
        if isinstance(value, list | None):
            return value or []
        raise Unreadable(f"{self.where}: {field} is a JSON {type(value).__name__}, not a list; mend that line")


def _answer(row: _Row, seen: dict[str, int]) -> Answer:
    text = row.text("text")
    citing = Citing(text)
    for url, title in row.pages("cited"):
        citing.cite(url, title)
    cited = citing.citations()
    engine = row.text("engine") or "unknown"
    retrieved = retrievals((url, title, None) for url, title in row.pages("retrieved"))
    asked_at = moment(row.value("observed_at"))
    if asked_at is None:
        raise Unreadable(
            f"{row.where}: observed_at is {row.value('observed_at')!r:.40}, not a date or time; mend that line"
        )
    prompt = Prompt(row.text("prompt"), row.text("topic"), row.text("locale"))
    return Answer(
        provider=row.text("provider") or engine,
        engine=engine,
        surface=row.text("surface") or "tracker",
        status=_status(row, grounded=bool(cited or retrieved)),
        text=text,
        model_served=row.text("model") or None,
        citations=cited,
        retrievals=retrieved,
        queries=tuple(query for query in row.values("queries") if isinstance(query, str) and query),
        asked_at=asked_at,
        ask=Ask(prompt),
        id=_identity(row.text("id"), f"{engine}@{asked_at.isoformat()}", seen),
    )


def _status(row: _Row, *, grounded: bool) -> Status:
    said = row.text("status").lower()
    if not said:
        return Status.GROUNDED if grounded else Status.UNGROUNDED
    try:
        return Status(said)
    except ValueError as error:
        raise Unreadable(f"{row.where}: status is {said[:40]!r}; it is one of {', '.join(Status)}") from error


def _identity(said: str, where: str, seen: dict[str, int]) -> str | None:
    """The id with engine and time, since an id may be the question's and come again for every engine and round."""
    if not said:
        return None
    key = f"{said}@{where}"
    seen[key] = seen.get(key, 0) + 1
    return key if seen[key] == 1 else f"{key}#{seen[key]}"
