"""The lines of a block that are laid out alike, cut all at once: where their quotes stand is looked up once.

Only lines of the Common and Combined formats, with or without hosts, and only those about which nothing can be said
otherwise than `log_layouts.parsed` says it: as many quotes as most lines of the block, none of them escaped, the clock
right before the request, a status of three digits, a path asked for. What is longer than a number is taken apart once
per distinct text, by the same expressions. All other lines are left to that query.
"""

from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.lib.stride_tricks import sliding_window_view

from geo_flywheel.records import LogFile
from geo_flywheel.store import log_layouts
from geo_flywheel.store.log_lines import Lines

Ints = np.ndarray[Any, np.dtype[np.int64]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

_BLANK, _OPEN, _QUOTE, _ESCAPE, _ZERO, _DASH = b' ["\\0-'
_CLOCK = 26  # bytes of 01/Mar/2026:00:00:00 +0000
FEWEST = 1_000  # lines that are worth the trouble
_LONGEST = 100  # bytes before the clock
_NO_ASCII = 128
_REFERRER, _AGENT, _FORWARDED = 2, 4, 6  # behind which quote each stands, from 0
_EIGHT = 8
_ONES = np.uint64(0x0101010101010101)
_BLANKS, _HIGH = _ONES * np.uint64(_BLANK), _ONES * np.uint64(128)
_DIGITS = 18  # that surely fit a BIGINT


class _Cut(NamedTuple):
    """Lines with as many quotes each; a row of `quotes`, shape (quote, line), says where one stands."""

    text: Bytes
    row: Ints
    start: Ints
    end: Ints
    quotes: Ints

    def only(self, fits: Mask) -> "_Cut":
        """Those lines that fit."""
        if fits.all():
            return self
        return _Cut(self.text, self.row[fits], self.start[fits], self.end[fits], self.quotes[:, fits])

    def part(self, number: int) -> tuple[Ints, Ints]:
        """Where the part of each line behind its quote of this number, from 0, begins and ends."""
        last = number + 1 == len(self.quotes)
        return self.quotes[number] + 1, self.end if last else self.quotes[number + 1]


def cut(some: Lines, file: LogFile, beside: duckdb.DuckDBPyConnection) -> tuple[pa.Table | None, Mask]:
    """Return what `log_layouts.parsed` would say of the lines that are laid out alike, and which lines those are.

    Args:
        some: Lines of the log.
        file: The log.
        beside: Where distinct texts are taken apart.

    Returns:
        The columns that `parsed` gives but for `line_key` and `bad`, texts as dictionaries, None where there are no
        such lines; and a mask, shape (line,).
    """
    rest = np.zeros(some.ends.size, np.bool_)
    if file.layout not in {"combined", "vhost_combined"} or some.ends.size < FEWEST:
        return None, rest
    has_host = file.layout == "vhost_combined"
    found = _alike(some, 6 if file.format.startswith("Combined") else 2)
    if found is None:
        return None, rest
    found = found.only(_is_clocked(found))
    found = found.only(_has_status(found))
    if not found.row.size:
        return None, rest
    clocks = _texts(found.text, found.quotes[0] - _CLOCK - 2, found.quotes[0] - 2).dictionary_encode()
    requests = _texts(found.text, *found.part(0)).dictionary_encode()
    if has_host:
        host_end = _until_blank(found.text, found.start)
        hosts = _texts(found.text, found.start, host_end).dictionary_encode()
        begin = host_end + 1
    else:
        hosts = pa.DictionaryArray.from_arrays(np.zeros(found.row.size, np.int32), pa.array([file.host]))
        begin = found.start
    moments = _told(beside, clocks.dictionary, log_layouts.clocks())["happened_at"]
    asked = _told(beside, requests.dictionary, log_layouts.requests())
    named = (
        _told(beside, hosts.dictionary, log_layouts.hosts(), {"host": file.host})["host"]
        if has_host
        else hosts.dictionary
    )
    size, fits = _size(found)
    for codes, is_known in (
        (clocks, pc.is_valid(moments)),
        (requests, asked["is_path"]),
        (hosts, pc.not_equal(named, "")),
    ):
        fits &= is_known.to_numpy(zero_copy_only=False)[codes.indices.to_numpy()]
    columns = {
        "happened_at": moments.take(clocks.indices),
        "host": _coded(hosts.indices, named),
        "address": _texts(found.text, begin, _until_blank(found.text, begin)),
        "forwarded": _forwarded(found),
        **{name: _coded(requests.indices, asked[name]) for name in ("method", "path", "utm_source")},
        "status": _status(found),
        "bytes": size,
        "referrer": _quoted(found, _REFERRER, "-"),
        "agent": _quoted(found, _AGENT, "-", ""),
    }
    rest[found.row[fits]] = True
    table = pa.table(columns)
    return (table if fits.all() else table.filter(pa.array(fits))), rest


def _alike(some: Lines, fewest: int) -> _Cut | None:
    """The lines with as many quotes as most have, unless that is too few or odd."""
    text = np.frombuffer(some.text, np.uint8)
    ends = some.ends.astype(np.int64)
    starts = np.concatenate([[0], ends[:-1] + 1])
    quotes = np.flatnonzero(text == _QUOTE)
    first = np.searchsorted(quotes, starts)
    count = np.diff(first, append=quotes.size)
    most = int(np.bincount(np.minimum(count, _LONGEST)).argmax())
    if most < fewest or most % 2 or most == _LONGEST:
        return None
    is_alike = count == most
    if b"\\" in some.text:
        escapes = np.flatnonzero(text == _ESCAPE)
        is_alike[np.searchsorted(starts, escapes, "right") - 1] = False
    row = np.flatnonzero(is_alike)
    places = quotes[first[row] + np.arange(most)[:, None]]
    return _Cut(text, row, starts[row], ends[row], places)


def _is_clocked(found: _Cut) -> Mask:
    """Whether the first bracket of a line opens the clock, and the request comes right behind."""
    text, request = found.text, found.quotes[0]
    opens = np.flatnonzero(text == _OPEN)
    opens = np.append(opens, text.size)
    first = opens[np.searchsorted(opens, found.start)]
    fits: Mask = (request - first == _CLOCK + 3) & (first - found.start <= _LONGEST) & (first > found.start)
    fits &= text[np.maximum(first - 1, 0)] == _BLANK
    fits &= text[request - 1] == _BLANK
    if text.max() < _NO_ASCII:
        return fits
    clock = text[np.where(fits, first, 0)[:, None] + np.arange(_CLOCK + 3)]
    return fits & (clock < _NO_ASCII).all(axis=1)


def _texts(text: Bytes, start: Ints, end: Ints) -> "pa.Array[pa.StringScalar]":
    """What stands between two places of each line."""
    offsets = np.empty(2 * start.size + 1, np.int32)
    offsets[:-1:2] = start
    offsets[1::2] = end
    offsets[-1] = end[-1]
    both = pa.Array.from_buffers(pa.string(), 2 * start.size, [None, pa.py_buffer(offsets), pa.py_buffer(text)])
    return both.take(pa.array(np.arange(0, 2 * start.size, 2)))


def _coded(indices: Any, values: Any) -> pa.DictionaryArray:
    """A column of values that are not distinct any more."""
    distinct = values.dictionary_encode()
    return pa.DictionaryArray.from_arrays(distinct.indices.take(indices), distinct.dictionary)


def _told(
    beside: duckdb.DuckDBPyConnection, texts: Any, query: str, values: dict[str, str] | None = None
) -> dict[str, Any]:
    """What a query says of each text."""
    beside.register("texts", pa.table({"text": texts}))
    found = beside.execute(query, values).to_arrow_table()
    beside.unregister("texts")
    return {name: found[name].combine_chunks() for name in found.column_names}


def _until_blank(text: Bytes, start: Ints) -> Ints:
    """Where the next blank stands, looking at eight bytes at a time; there is one before the clock."""
    place, going = start.copy(), np.arange(start.size)
    eights = sliding_window_view(text, _EIGHT)
    while going.size:
        eight = eights[place[going]].view("<u8")[:, 0] ^ _BLANKS
        found = (eight - _ONES) & ~eight & _HIGH  # its lowest bit is in the first byte that is a blank
        step = np.bitwise_count((found & -found) - np.uint64(1)) >> 3
        place[going] += step
        going = going[step == _EIGHT]
    return place


def _has_status(found: _Cut) -> Mask:
    """Whether a number of three digits follows the request, and a blank."""
    start, end = found.part(1)
    signs = [found.text[np.minimum(start + place, end)] for place in range(5)]
    fits: Mask = (signs[0] == _BLANK) & (signs[-1] == _BLANK) & (end - start >= len(signs))
    for sign in signs[1:4]:
        fits &= _is_digit(sign - np.uint8(_ZERO))
    return fits


def _is_digit(sign: Bytes) -> Mask:
    return sign < np.uint8(10)


def _status(found: _Cut) -> Any:
    start, _ = found.part(1)
    hundreds, tens, ones = (found.text[start + place].astype(np.int32) - _ZERO for place in (1, 2, 3))
    return pa.array(100 * hundreds + 10 * tens + ones)


def _size(found: _Cut) -> tuple[Any, Mask]:
    """The bytes behind the status, null for a dash."""
    start, end = found.part(1)
    place, size = np.minimum(start + 5, end), np.zeros(start.size, np.int64)
    is_none = (found.text[place] == _DASH) & (place < end)
    stop = place + is_none
    going = np.flatnonzero((place < end) & ~is_none)
    for _ in range(_DIGITS):
        digit = found.text[stop[going]] - np.uint8(_ZERO)
        is_digit = _is_digit(digit) & (stop[going] < end[going])
        going = going[is_digit]
        size[going] = 10 * size[going] + digit[is_digit]
        stop[going] += 1
    fits = (stop > place) & ((stop == end) | (found.text[stop] == _BLANK))
    return pa.array(size, mask=is_none), fits


def _forwarded(found: _Cut) -> Any:
    """What the quotes behind those of the agent hold."""
    if len(found.quotes) <= _FORWARDED:
        return pa.nulls(found.row.size, pa.string())
    return pc.replace_substring(_texts(found.text, found.quotes[_FORWARDED] + 1, found.end), '"', ",")


def _quoted(found: _Cut, number: int, *nothing: str) -> Any:
    """What stands behind a quote of this number, from 0, as a dictionary."""
    if len(found.quotes) <= number + 1:
        return pa.nulls(found.row.size, pa.string()).dictionary_encode()
    coded = _texts(found.text, *found.part(number)).dictionary_encode()
    is_nothing = pc.is_in(coded.dictionary, pa.array(nothing))
    return _coded(coded.indices, pc.if_else(is_nothing, pa.scalar(None, pa.string()), coded.dictionary))
