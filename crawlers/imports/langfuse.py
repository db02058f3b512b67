"""Langfuse: scores as exported or listed by its API, and traces with their scores, as CSV, JSON array or NDJSON.

A trace's input is the question, its output the answer; what the output links to is cited. A score alone is a judgement
on the answer whose id is its trace. BOOLEAN scores are up or down; a NUMERIC score is so only where a person says from
which value on it is good (`--set good=0.5`), and otherwise is kept as a number that judges neither way. Scores of
source EVAL were given by a program: they are marked, and are no one's opinion.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson

from crawlers.base import DroppedFile, Import
from crawlers.dropped.files import opened
from crawlers.dropped.json_array import objects
from crawlers.dropped.prose import cited
from crawlers.dropped.tables import lines
from crawlers.reading.lenient import amount, mapping, mappings, moment, text
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Fact, Feedback, Prompt, Status

SURFACE = "app"
_SCORE = {"name", "value"}
_TRACE_IDS = ("traceId", "trace_id")
_SPOKEN = ("content", "text", "answer", "output", "question", "query", "input", "prompt", "message")
_DEEPEST = 6
_KEY = re.compile(rb'"(\w{1,20})"\s*:')


def refuse(file: DroppedFile) -> str | None:
    """Return None for scores with their trace, or traces with input and output; else what is missing."""
    start = file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"[", b"{")):
        named = {match.decode() for match in _KEY.findall(start)}
    else:
        named = set(start.splitlines()[0].decode("utf-8", "replace").split(",")) if start else set()
    return None if _is_score(named) or _is_trace(named) else "neither scores nor traces of Langfuse"


def read(file: DroppedFile) -> Iterator[Fact]:
    """Yield the answers of traces and all scores.

    Raises:
        Unreadable: Naming what is at fault.
    """
    good = _good(file)
    for row in _rows(file):
        if _is_trace(row):
            yield _answer(row, file.options)
            for score in mappings(row.get("scores")):
                yield from _feedback(score, text(row.get("id")), good)
        else:
            yield from _feedback(row, "", good)


IMPORT = Import("Langfuse scores, or traces with their scores", refuse, read)


def _good(file: DroppedFile) -> float | None:
    said = file.options.get("set.good")
    if said is None:
        return None
    try:
        return float(said)
    except ValueError as error:
        raise Unreadable(f"{file.name}: --set good={said}: not a number; write it as --set good=0.5") from error


def _rows(file: DroppedFile) -> Iterator[Mapping[str, Any]]:
    start = file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"["):
        with opened(file) as stream:
            yield from objects(stream, file.name)
    elif start.startswith(b'{"data"'):
        with opened(file) as stream:
            yield from objects(stream, file.name, "data")
    elif start.startswith(b"{"):
        yield from (row for _, row in lines(file))
    elif start.startswith(b"<") or b"\0" in start:
        raise Unreadable(f"{file.name}: neither JSON nor CSV")
    else:
        with opened(file) as stream, io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="") as told:
            try:
                yield from csv.DictReader(told)
            except csv.Error as error:
                raise Unreadable(f"{file.name}: not CSV ({error}); export it again") from error


def _is_score(names: Collection[str]) -> bool:
    return set(names) >= _SCORE and any(name in names for name in _TRACE_IDS)


def _is_trace(names: Collection[str]) -> bool:
    return set(names) >= {"id", "input", "output"} and ("scores" in names or "timestamp" in names)


def _answer(trace: Mapping[str, Any], options: Mapping[str, str]) -> Answer:
    said = _words(trace.get("output"))
    citations = cited(said)
    engine = options.get("set.engine") or text(trace.get("name")) or "unknown"
    return Answer(
        provider="langfuse",
        engine=engine,
        surface=SURFACE,
        status=Status.GROUNDED if citations else Status.UNGROUNDED if said else Status.INCOMPLETE,
        text=said,
        citations=citations,
        asked_at=moment(trace.get("timestamp")),
        ask=Ask(Prompt(_words(trace.get("input")))),
        id=text(trace.get("id")),
    )


def _words(told: Any, depth: int = 0) -> str:
    """The words in an input or output, whatever a program wrapped them in: of messages the last."""
    if isinstance(told, str):
        unwrapped = _json(told) if told.lstrip()[:1] in {"{", "["} else None
        return told if unwrapped is None or depth > _DEEPEST else _words(unwrapped, depth + 1) or told
    if depth > _DEEPEST:
        return ""
    if isinstance(told, list):
        return next((words for item in reversed(told) if (words := _words(item, depth + 1))), "")
    held = mapping(told)
    if "messages" in held:
        return _words(held["messages"], depth + 1)
    return next((words for key in _SPOKEN if (words := _words(held.get(key), depth + 1))), "")


def _json(told: str) -> Any:
    try:
        return orjson.loads(told)
    except orjson.JSONDecodeError:
        return None


def _feedback(score: Mapping[str, Any], trace: str, good: float | None) -> Iterator[Feedback]:
    answer = trace or next((text(score.get(name)) for name in _TRACE_IDS if text(score.get(name))), "")
    kind = text(score.get("dataType") or score.get("data_type")).upper()
    if not answer or kind in {"TEXT", "CORRECTION"}:
        return
    value = _number(score.get("value"))
    yield Feedback(
        answer_id=answer,
        kind="rating",
        rating=_direction(value, kind, good),
        given_at=moment(score.get("timestamp")) or moment(score.get("createdAt")),
        comment=": ".join(filter(None, (text(score.get("name")), _label(score), text(score.get("comment"))))) or None,
        rater="program" if text(score.get("source")).upper() == "EVAL" else "person",
        score=value,
    )


def _label(score: Mapping[str, Any]) -> str:
    """What a categorical score says."""
    said = text(score.get("stringValue") or score.get("string_value"))
    return said or ("" if _number(score.get("value")) is not None else text(score.get("value")))


def _number(told: Any) -> float | None:
    if isinstance(told, bool):
        return float(told)
    if isinstance(told, str) and told.strip().lower() in {"true", "false"}:
        return float(told.strip().lower() == "true")
    if isinstance(told, str) and told.strip().startswith("-"):
        below = amount(told.strip()[1:])
        return None if below is None else -below
    if isinstance(told, int | float) and told < 0:
        return float(told)
    return amount(told)


def _direction(value: float | None, kind: str, good: float | None) -> int:
    if value is None:
        return 0
    if kind == "BOOLEAN":
        return 1 if value else -1
    return 0 if good is None else 1 if value >= good else -1
