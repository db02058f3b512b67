"""Tables a person drops in, whatever holds them: CSV, NDJSON or Parquet as Arrow columns, some rows at a time."""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from crawlers.base import DroppedFile
from crawlers.dropped.files import opened
from geo_flywheel.errors import Unreadable

ROWS = 50_000
"""Rows of one batch, at most."""
MAX_LINE = 16 * 1024**2
"""Bytes one row of a CSV or one line of NDJSON may have."""

_DELIMITERS = ",;\t"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
Columns = dict[str, "pa.Array[Any]"]
Choose = Callable[[Sequence[str]], Mapping[str, str]]
"""From the names of a file's columns to the column of the file for each column that is wanted."""


class Source(ABC):
    """A table in a dropped file, opened as far as its columns.

    Attributes:
        name: What the errors call the file.
        columns: Names of its columns, in order; for NDJSON the keys of the first object.
        first: The first row as text, without what is empty.
        object: The first object of NDJSON as it is; empty for the other two.
    """

    name: str
    columns: tuple[str, ...]
    first: Mapping[str, str]
    object: Mapping[str, Any] = MappingProxyType({})

    @abstractmethod
    def batches(self, choose: Choose) -> Iterator[tuple[int, Columns]]:
        """Yield the number of the first row (from 0) and the columns of at most `ROWS` rows.

        Args:
            choose: From the columns there are to those that are wanted; asked again for every batch of NDJSON, whose
                objects need not all have the same keys.

        Raises:
            Unreadable: If the file is damaged, naming the line or row.
        """

    @abstractmethod
    def place(self, row: int) -> str:
        """Return where a row (from 0) stands in the file, for a person: "line 17"."""


def open_table(file: DroppedFile) -> Source:
    """Return the table in a file, judged by its first bytes.

    Raises:
        Unreadable: If it holds none, saying what it seems to be.
    """
    head = file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head:
        raise Unreadable(f"{file.name}: the file is empty; export it again")
    if file.head.startswith(b"PAR1"):
        return _Parquet(file)
    if file.head.startswith(_UTF16):
        raise Unreadable(f"{file.name}: UTF-16 text; save it as CSV in UTF-8")
    if b"\0" in file.head:
        raise Unreadable(f"{file.name}: binary, neither CSV nor NDJSON nor Parquet")
    if head.startswith(b"<"):
        raise Unreadable(f"{file.name}: this is an HTML or XML page, not a table; look at it for the error it shows")
    if head.startswith(b"["):
        raise Unreadable(f"{file.name}: a JSON array; a table has one object per line (jq -c '.[]' makes it)")
    return _Lines(file) if head.startswith(b"{") else _Csv(file)


class _Csv(Source):
    """Comma, semicolon or tab separated, with a header."""

    def __init__(self, file: DroppedFile) -> None:
        self.name = file.name
        self._file = file
        text = file.head.decode("utf-8-sig", "replace")
        header = text.splitlines()[0] if text.strip() else ""
        self._delimiter = max(_DELIMITERS, key=header.count)
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=self._delimiter)
        try:
            found = [row for row in islice(rows, 3) if row][:2]
        except csv.Error as error:
            raise Unreadable(f"{file.name}: not CSV ({error})") from error
        self.columns = tuple(column.strip() for column in found[0])
        if len(self.columns) < 2:  # noqa: PLR2004 - a table of citations needs two columns at the least
            raise Unreadable(f"{file.name}: one column only, so neither CSV nor another table; is this the right file?")
        values = found[1] if len(found) > 1 else []
        self.first = {key: value for key, value in zip(self.columns, values, strict=False) if value.strip()}

    def batches(self, choose: Choose) -> Iterator[tuple[int, Columns]]:
        """Read it by Arrow, every column as text."""
        names = [f"c{number}" for number in range(len(self.columns))]
        chosen = {ours: names[self.columns.index(theirs)] for ours, theirs in choose(self.columns).items()}
        row = 0
        with opened(self._file) as stream:
            try:
                for batch in self._reader(stream, names, sorted(set(chosen.values()))):
                    for start in range(0, batch.num_rows, ROWS):
                        part = batch.slice(start, ROWS)
                        yield row, {ours: part.column(column) for ours, column in chosen.items()}
                        row += part.num_rows
            except pa.ArrowInvalid as error:
                raise Unreadable(f"{self.name}: {self._fault(error)}; nothing of it is taken") from error

    def _reader(self, stream: BinaryIO, names: list[str], include: list[str]) -> "pa.csv.CSVStreamingReader":
        return pa.csv.open_csv(
            stream,
            read_options=pa.csv.ReadOptions(
                column_names=names, skip_rows_after_names=1, block_size=MAX_LINE, use_threads=False
            ),
            parse_options=pa.csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=include,
                null_values=[""],
                strings_can_be_null=True,
            ),
        )

    def _fault(self, error: Exception) -> str:
        """What is wrong, and the line it is wrong in where it can be found again."""
        says = str(error)
        if "straddling" in says:
            return f"a row of more than {MAX_LINE:,} bytes, or a quote that is never closed"
        if "UTF8" in says:
            return f"{self._not_utf8()} is not UTF-8; save the file as UTF-8"
        row = says.partition("Row #")[2].partition(":")[0]
        where = self.place(int(row) - 2) if row.isdigit() else "it"
        return f"{where} does not fit the header ({says.splitlines()[0][:200]}); mend or remove that line"

    def _not_utf8(self) -> str:
        with opened(self._file) as stream:
            for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE), b""), 1):
                try:
                    line.decode()
                except UnicodeDecodeError:
                    return f"line {number}"
        return "a line"

    def place(self, row: int) -> str:
        """Find the line by reading the file again: a quoted cell may span several."""
        with opened(self._file) as stream, io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="") as text:
            rows = csv.reader(text, delimiter=self._delimiter)
            try:
                found = next(islice((rows.line_num for cells in rows if cells), row + 1, None), None)
            except csv.Error:
                found = None
        return f"line {found}" if found else f"row {row + 1}"


class _Lines(Source):
    """One JSON object per line."""

    def __init__(self, file: DroppedFile) -> None:
        self.name = file.name
        self._file = file
        self._numbers: list[int] = []
        self._start = 0
        found = next(lines(file), None)
        if found is None:
            raise Unreadable(f"{file.name}: no line in it; export it again")
        self.object = found[1]
        self.columns = tuple(self.object)
        self.first = {key: text for key, value in self.object.items() if (text := _cell(value)) and text.strip()}

    def batches(self, choose: Choose) -> Iterator[tuple[int, Columns]]:
        """Read it line by line, every value as text; a value that is a list or an object is refused."""
        rows = lines(self._file)
        self._start = 0
        while chunk := list(islice(rows, ROWS)):
            self._numbers = [number for number, _ in chunk]
            wanted = choose(tuple(dict.fromkeys(key for _, row in chunk for key in row)))
            yield self._start, {ours: self._column(chunk, theirs) for ours, theirs in wanted.items()}
            self._start += len(chunk)

    def _column(self, chunk: list[tuple[int, dict[str, Any]]], key: str) -> "pa.Array[Any]":
        for number, row in chunk:
            if isinstance(row.get(key), list | dict):
                raise Unreadable(f"{self.name}: line {number}: {key} holds a JSON list or object, not one value")
        return pa.array([_cell(row.get(key)) for _, row in chunk], pa.string())

    def place(self, row: int) -> str:
        """Name a line of the batch read last."""
        return f"line {self._numbers[row - self._start]}"


def lines(file: DroppedFile) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number (from 1) and the object of each line of an NDJSON file; empty lines are left out.

    Raises:
        Unreadable: If a line is no JSON object, is too long, not UTF-8, or holds NaN.
    """
    with opened(file) as stream:
        for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE + 1), b""), 1):
            if len(line) > MAX_LINE:
                raise Unreadable(f"{file.name}: line {number} has more than {MAX_LINE:,} bytes; is this NDJSON?")
            text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if text.strip():
                yield number, _object(text, f"{file.name}: line {number}")


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Unreadable(
            f"{where} is not a JSON object of its own ({error}); it is cut off or damaged, or this is not NDJSON"
        ) from error
    if not isinstance(value, dict):
        raise Unreadable(f"{where} is a JSON {type(value).__name__}, not an object; is this NDJSON?")
    return value


def _cell(value: Any) -> str | None:
    """A JSON value as the text a CSV would hold."""
    if value is None or isinstance(value, str):
        return value
    return None if isinstance(value, list | dict) else str(int(value) if isinstance(value, bool) else value)


class _Parquet(Source):
    """Typed columns; the footer names them, so the file itself is opened."""

    def __init__(self, file: DroppedFile) -> None:
        self.name = file.name
        self._file = file
        with self._opened() as parquet:
            self.columns = tuple(parquet.schema_arrow.names)
            simple = [field.name for field in parquet.schema_arrow if not pa.types.is_nested(field.type)]
            self.first = self._first(parquet, simple)

    def batches(self, choose: Choose) -> Iterator[tuple[int, Columns]]:
        """Read only the columns that are wanted."""
        row = 0
        wanted = choose(self.columns)
        with self._opened() as parquet:
            for batch in self._read(parquet, sorted(set(wanted.values())), ROWS):
                yield row, {ours: batch.column(batch.schema.names.index(theirs)) for ours, theirs in wanted.items()}
                row += batch.num_rows

    def place(self, row: int) -> str:
        """Number the rows from 1."""
        return f"row {row + 1}"

    def _first(self, parquet: pq.ParquetFile, columns: list[str]) -> dict[str, str]:
        head = next(self._read(parquet, columns, 1), None)
        try:
            row = head.to_pylist()[0] if head is not None and head.num_rows and head.num_columns else {}
        except (pa.ArrowException, ValueError) as error:
            raise Unreadable(f"{self.name}: its first row is damaged ({_brief(error)}); get the file again") from error
        return {key: str(value) for key, value in row.items() if value is not None and str(value).strip()}

    def _opened(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self._file.path)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise Unreadable(f"{self.name}: Parquet, cut off or damaged ({_brief(error)}); get it again") from error

    def _read(self, parquet: pq.ParquetFile, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        try:
            yield from parquet.iter_batches(batch_size=rows, columns=columns, use_threads=False)
        except (pa.ArrowException, OSError, ValueError, UnicodeDecodeError) as error:
            raise Unreadable(f"{self.name}: its rows are damaged ({_brief(error)}); get the file again") from error


def _brief(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
