"""From columns as a file has them to columns of one meaning: text, times, days, counts; the first bad row is named."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crawlers.dropped.tables import Columns, Source
from crawlers.reading.lenient import moment
from geo_flywheel.errors import Unreadable

_ZONED = r"\d\d:\d\d.*([Zz]|[+-]\d\d(:?\d\d)?)$"
_WHOLE = r"^[+-]?\d{1,18}(\.0*)?$"
_YEARS = (2000, 2100)


class Chunk:
    """Some rows of a table, column by column."""

    def __init__(self, source: Source, start: int, columns: Columns) -> None:
        """Take the columns of the rows from `start` (from 0) on; all have the same length."""
        self._source = source
        self._start = start
        self._columns = columns
        self.rows = len(next(iter(columns.values()))) if columns else 0

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def text(self, name: str) -> "pa.Array[Any]":
        """Return text without white space around it; null where there is none.

        Raises:
            Unreadable: If the column holds what has no plain text, or is not UTF-8.
        """
        column = self._columns[name]
        try:
            words = pc.utf8_trim_whitespace(column.cast(pa.string()))
            words.validate(full=True)
        except (pa.ArrowException, ValueError) as error:
            raise Unreadable(f"{self._source.name}: {name}: not text in UTF-8 ({error}); write it as text") from error
        return pc.if_else(pc.equal(words, ""), pa.scalar(None, pa.string()), words)

    def times(self, name: str) -> "pa.Array[Any]":
        """Return naive UTC times in microseconds; a day alone is its midnight, an offset is taken off.

        Raises:
            Unreadable: If a value is missing or is neither a date nor a time, naming its line.
        """
        column = self._columns[name]
        if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            found = column.cast(pa.timestamp("us", getattr(column.type, "tz", None)), safe=False)
            found = found.cast(pa.timestamp("us"))
        else:
            found = self._parsed(name, self.text(name))
        self.refuse(pc.is_null(found), lambda _: f"{name} is empty; every row needs its time")
        years = pc.year(found)
        outside = pc.or_(pc.less(years, _YEARS[0]), pc.greater(years, _YEARS[1]))
        self.refuse(outside, lambda row: f"{name} is in {years[row]}, not between {_YEARS[0]} and {_YEARS[1]}")
        return found

    def days(self, name: str) -> "pa.Array[Any]":
        """Return days; null where there is none.

        Raises:
            Unreadable: If a value is no date, naming its line.
        """
        column = self._columns[name]
        if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            return column.cast(pa.date32(), safe=False)
        return self._parsed(name, self.text(name)).cast(pa.date32(), safe=False)

    def counts(self, name: str, kind: pa.DataType, least: int = 0) -> "pa.Array[Any]":
        """Return whole numbers; null where there is none.

        Args:
            name: The column.
            kind: Arrow integer type to return.
            least: Smallest number that makes sense.

        Raises:
            Unreadable: If a value is no whole number from `least` up to what `kind` holds, naming its line.
        """
        column = self._columns[name]
        if pa.types.is_integer(column.type):
            wide = column.cast(pa.decimal128(20)) if column.type == pa.uint64() else column
        elif pa.types.is_boolean(column.type):
            wide = column.cast(pa.int8())
        elif pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
            wide = column.cast(pa.float64())
            self.refuse(pc.invert(pc.is_finite(wide)), lambda row: f"{name} is {column[row]}, not a number")
            self.refuse(pc.not_equal(wide, pc.floor(wide)), lambda row: f"{name} is {column[row]}, not a whole number")
        else:
            wide = self._whole(name)
        return self._within(name, wide, kind, least)

    def refuse(self, bad: "pa.Array[Any]", why: Callable[[int], str]) -> None:
        """Raise for the first row (from 0 in this chunk) that is marked, with its place in the file.

        Raises:
            Unreadable: If one is.
        """
        row = pc.index(bad, True).as_py()
        if row >= 0:
            where = self._source.place(self._start + row)
            raise Unreadable(f"{self._source.name}: {where}: {why(row)}; mend it: nothing of the file is taken")

    def _parsed(self, name: str, words: "pa.Array[Any]") -> "pa.Array[Any]":
        zoned = pc.match_substring_regex(words, _ZONED)
        nothing = pa.scalar(None, pa.string())
        try:
            aware = pc.if_else(zoned, words, nothing).cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
            return pc.coalesce(aware, pc.if_else(zoned, nothing, words).cast(pa.timestamp("us")))
        except pa.ArrowInvalid:
            return self._parsed_singly(name, words)

    def _parsed_singly(self, name: str, words: "pa.Array[Any]") -> "pa.Array[Any]":
        """The same for the forms of ISO 8601 that Arrow does not know, each distinct text once."""
        distinct = words.dictionary_encode()
        times = [moment(text) for text in distinct.dictionary.to_pylist()]
        found = pa.array(times, pa.timestamp("us")).take(distinct.indices)
        self.refuse(
            pc.and_(pc.is_valid(words), pc.is_null(found)),
            lambda row: f"{name} is {words[row].as_py()[:40]!r}, not a date or time such as 2025-12-31T23:59:00Z",
        )
        return found

    def _whole(self, name: str) -> "pa.Array[Any]":
        words = self.text(name)
        fits = pc.match_substring_regex(words, _WHOLE)
        self.refuse(pc.invert(fits), lambda row: f"{name} is {words[row].as_py()[:40]!r}, not a whole number")
        return pc.replace_substring_regex(words, r"^\+|\.0*$", "").cast(pa.int64())

    def _within(self, name: str, wide: "pa.Array[Any]", kind: pa.DataType, least: int) -> "pa.Array[Any]":
        most = 2 ** (kind.bit_width - 1) - 1
        outside = pc.or_(pc.less(wide, least), pc.greater(wide, most))
        self.refuse(outside, lambda row: f"{name} is {wide[row]}, not from {least} to {most}")
        return wide.cast(kind, safe=False)
