"""Prompts a person hands in as a file: CSV with a header, one JSON object per line, or plain text, one per line."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from pathlib import Path

from geo_flywheel.config import PROMPT_KEYS
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Prompt

MAX_FILE = 16 * 1024 * 1024
_COLUMNS = ", ".join(PROMPT_KEYS)


def read_prompts(file: Path) -> list[Prompt]:
    """Return the prompts in a file, in order, repeats among them.

    Raises:
        Unreadable: If it is none of the kinds, or a line of it is wrong; the message names file and line.
    """
    readers = {".csv": _csv, ".tsv": _csv, ".ndjson": _ndjson, ".jsonl": _ndjson, ".txt": _lines}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise Unreadable(f"{file}: what kind of file is it? Name it .csv, .ndjson or .txt (one prompt per line)")
    prompts = []
    for line, fields in reader(file, _text(file)):
        told = {key: value.strip() for key, value in fields.items() if value}
        if not told.get("text"):
            raise Unreadable(f"{file}: line {line} has no text; write the question there, or delete the line")
        prompts.append(Prompt(**told))
    if not prompts:
        raise Unreadable(f"{file}: no prompt in it; write one per line")
    return prompts


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_FILE:
            raise Unreadable(
                f"{file}: more than {MAX_FILE // 1024**2} MiB; no basket needs that many prompts, split it"
            )
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Unreadable(f"{file}: cannot be read ({error.strerror}); see to the path and its permissions") from error
    except UnicodeDecodeError as error:
        raise Unreadable(f"{file}: is not UTF-8 (byte {error.start}); save it as UTF-8") from error


def _csv(file: Path, text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    separator = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.reader(StringIO(text), delimiter=separator, strict=True)
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        _known(file, header, "the header")
        if "text" not in header:
            raise Unreadable(f"{file}: the header names no column text; its first line names columns out of {_COLUMNS}")
        for row in rows:
            if len(row) > len(header):
                raise Unreadable(
                    f"{file}: line {rows.line_num} has more cells than the header; put quotes around commas"
                )
            if any(cell.strip() for cell in row):
                yield rows.line_num, dict(zip(header, row, strict=False))
    except csv.Error as error:
        raise Unreadable(f"{file}: line {rows.line_num} is not CSV ({error}); mend its quotes") from error


def _ndjson(file: Path, text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"{file}: line {number} is not JSON ({error}); write one object per line") from error
        if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
            raise Unreadable(f'{file}: line {number} is not an object of texts; write {{"text": "…", "topic": "…"}}')
        _known(file, fields, f"line {number}")
        yield number, fields


def _lines(_file: Path, text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, {"text": line}


def _known(file: Path, names: Iterable[str], where: str) -> None:
    strange = [name for name in names if name not in PROMPT_KEYS]
    if strange:
        raise Unreadable(
            f"{file}: {where} names {', '.join(map(repr, strange))}; the columns are {_COLUMNS}: rename it"
        )
