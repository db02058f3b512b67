"""Tables of what a training corpus holds of a host, a site or a page: published host tables, and the project's own.

Known are the wide table with one column of tokens per corpus (`url`, `c4_tokens`, `rf_tokens`, `dolma_tokens`, where a
zero says absent and an empty cell says nothing), the table of C4's largest domains (`Domain`, `Total Tokens`, `URL
Appearances`), and the project's own long table: `corpus` and one of `unit`, `host`, `site`, `url`, with any of `state`,
`captures`, `documents`, `tokens`, `method`, `observed_on`. A unit that is in no row is unknown: no row is made of it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crawlers.base import DroppedFile, Import
from crawlers.dropped.columns import Chunk
from crawlers.dropped.fields import Fields, find, listed, plain
from crawlers.dropped.tables import Source, open_table
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Fact, PresenceState, Table
from geo_flywheel.store.schema import PRESENCE

Choose = Callable[[Sequence[str]], Fields]

NAMES = {
    "corpus": ("dataset",),
    "unit": ("host", "domain", "site", "url", "page"),
    "unit_kind": (),
    "state": (),
    "method": (),
    "captures": (),
    "documents": ("url_appearances",),
    "tokens": ("total_tokens",),
    "observed_on": ("date", "day"),
}
_MEASURES = ("captures", "documents", "tokens")
_CORPORA = {"rf": "refinedweb"}
_C4_TOP = {"domain", "total_tokens", "url_appearances"}
_METHOD = "published host table"
_PER_CORPUS = "_tokens"


def refuse(file: DroppedFile) -> str | None:
    """Return None for a table that says of units how much of them a corpus holds; else what is missing."""
    try:
        _opened(file)
    except Unreadable as error:
        return str(error).removeprefix(f"{file.name}: ")
    return None


def read(file: DroppedFile) -> Iterator[Fact]:
    """Yield one table of presences.

    Raises:
        Unreadable: Naming the line at fault.
    """
    yield Table("presence", _batches(*_opened(file)))


IMPORT = Import("what training corpora hold of hosts, sites and pages: CSV, NDJSON or Parquet", refuse, read)


def _opened(file: DroppedFile) -> tuple[Source, Choose]:
    """The table and how its fields are found, once it is sure what it says, of which corpus, of which units."""
    source = open_table(file)

    def choose(columns: Sequence[str]) -> Fields:
        try:
            c4 = {"set.corpus": "c4"} if {plain(column) for column in columns} >= _C4_TOP else {}
            return find(columns, NAMES, c4 | file.options)
        except Unreadable as error:
            raise Unreadable(f"{file.name}: {error}") from error

    fields = choose(source.columns)
    there = listed(source.columns)
    wide = _per_corpus(source.columns, fields)
    if "unit" not in fields:
        raise Unreadable(f"{file.name}: says nothing of hosts, sites or pages: no such column among {there}")
    if not wide and not any(field in fields for field in ("state", *_MEASURES)):
        raise Unreadable(f"{file.name}: no state, captures, documents or tokens among {there}")
    if not wide and "corpus" not in fields:
        raise Unreadable(f"{file.name}: does not say which corpus; say it: --set corpus=NAME")
    return source, choose


def _per_corpus(columns: Sequence[str], fields: Fields) -> dict[str, str]:
    """Column of tokens for each corpus of a wide table; empty for a long one."""
    if "corpus" in fields:
        return {}
    counted = {plain(column): column for column in columns if plain(column).endswith(_PER_CORPUS)}
    found = {name.removesuffix(_PER_CORPUS): column for name, column in counted.items()}
    return {_CORPORA.get(name, name): column for name, column in found.items() if name != "total"}


def _batches(source: Source, choose: Choose) -> Iterator[pa.RecordBatch]:
    fields = choose(source.columns)
    wide = _per_corpus(source.columns, fields)
    for start, columns in source.batches(lambda names: {**choose(names).columns, **wide}):
        rows = len(next(iter(columns.values())))
        constants = {field: pa.repeat(value, rows) for field, value in fields.constants.items()}
        chunk = Chunk(source, start, columns | constants)
        unit, kind = _units(chunk, plain(fields.columns.get("unit", "")))
        for corpus in wide or ("",):
            yield _batch(chunk, {"unit": unit, "unit_kind": kind}, corpus)


def _units(chunk: Chunk, column: str) -> "tuple[pa.Array[Any], pa.Array[Any]]":
    """The units in lower case, pages as they are, and their kinds: said, or by the column's name and a slash."""
    units = chunk.text("unit")
    chunk.refuse(pc.is_null(units), lambda _: "no host, site or page in it")
    if "unit_kind" in chunk:
        kinds = pc.utf8_lower(chunk.text("unit_kind"))
    else:
        kinds = pc.if_else(pc.match_substring(units, "/"), "page", "site" if column == "site" else "host")
    _one_of(chunk, "unit_kind", kinds, ("host", "site", "page"))
    return pc.if_else(pc.equal(kinds, "page"), units, pc.utf8_lower(units)), kinds


def _batch(chunk: Chunk, units: "dict[str, pa.Array[Any]]", corpus: str) -> pa.RecordBatch:
    counts = {field: _count(chunk, field) for field in _MEASURES}
    if corpus:
        counts["tokens"] = _count(chunk, corpus)
    columns = units | counts
    columns["corpus"] = pa.repeat(corpus, chunk.rows) if corpus else pc.utf8_lower(chunk.text("corpus"))
    chunk.refuse(pc.is_null(columns["corpus"]), lambda _: "corpus is empty")
    columns["state"] = _states(chunk, list(counts.values()))
    columns["method"] = pc.fill_null(_text(chunk, "method"), _METHOD)
    columns["observed_on"] = chunk.days("observed_on") if "observed_on" in chunk else pa.nulls(chunk.rows, pa.date32())
    return pa.RecordBatch.from_arrays([columns[name] for name in PRESENCE.names], schema=PRESENCE)


def _states(chunk: Chunk, counts: "list[pa.Array[Any]]") -> "pa.Array[Any]":
    """The state said, else what the counts say: something, nothing, or nothing known."""
    most = pc.max_element_wise(*counts)
    told = pc.if_else(pc.greater(most, 0), PresenceState.PRESENT.value, PresenceState.ABSENT.value)
    told = pc.fill_null(told, PresenceState.UNKNOWN.value)
    if "state" not in chunk:
        return told
    said = pc.coalesce(pc.utf8_lower(chunk.text("state")), told)
    _one_of(chunk, "state", said, tuple(PresenceState))
    lost = pc.and_(pc.greater(most, 0), pc.not_equal(said, PresenceState.PRESENT.value))
    chunk.refuse(lost, lambda row: f"state is {said[row]}, yet something of it is counted")
    return said


def _one_of(chunk: Chunk, field: str, values: "pa.Array[Any]", allowed: tuple[str, ...]) -> None:
    known = pc.is_in(values, value_set=pa.array([str(value) for value in allowed]))
    chunk.refuse(pc.invert(known), lambda row: f"{field} is {values[row]}, not one of {', '.join(allowed)}")


def _text(chunk: Chunk, name: str) -> "pa.Array[Any]":
    return chunk.text(name) if name in chunk else pa.nulls(chunk.rows, pa.string())


def _count(chunk: Chunk, name: str) -> "pa.Array[Any]":
    return chunk.counts(name, pa.int64()) if name in chunk else pa.nulls(chunk.rows, pa.int64())
