"""Battles of two answers that a person voted on: Search-Arena and LMArena, as JSON array, NDJSON or Parquet.

Each side becomes an answer of its model, each vote a `Feedback` on both: 1 for the winner, -1 for the other, 0 for a
tie, -1 for both when both were found bad. What a search offered is retrieved; cited is what the text marks with [n] or
links to.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from crawlers.base import DroppedFile, Import
from crawlers.dropped.files import opened
from crawlers.dropped.json_array import objects
from crawlers.dropped.prose import Named, cited
from crawlers.dropped.tables import lines
from crawlers.reading.citing import retrievals
from crawlers.reading.lenient import mapping, mappings, moment, sequence, text
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Fact, Feedback, Prompt, Status

SURFACE = "arena"
_Side = Literal["a", "b"]
_VOTES = {"model_a": (1, -1), "model_b": (-1, 1), "tie": (0, 0), "tie (bothbad)": (-1, -1)}
_NEEDED = ("model_a", "model_b", "winner")
_LONGEST_LIST = 1_000


def refuse(file: DroppedFile) -> str | None:
    """Return None for battles with both models and a winner; else what is missing."""
    start = file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"PAR1"):
        try:
            next(_parquet(file), None)
        except Unreadable as error:
            return str(error).removeprefix(f"{file.name}: ")
        return None
    if not start.startswith((b"[", b"{")):
        return "neither JSON nor Parquet"
    missing = [name for name in _NEEDED if f'"{name}"'.encode() not in start]
    return f"no {', '.join(missing)} in it" if missing else None


def read(file: DroppedFile) -> Iterator[Fact]:
    """Yield the two answers of every battle and the vote on each; an unknown winner is no vote.

    Raises:
        Unreadable: If the file is damaged or a battle has no conversation.
    """
    for number, battle in enumerate(_battles(file), 1):
        answers = [_answer(battle, side, f"{file.name}: battle {number}") for side in ("a", "b")]
        yield from answers
        for answer, rating in zip(answers, _VOTES.get(text(battle.get("winner")), ()), strict=False):
            judge = text(battle.get("judge"))
            yield Feedback(
                answer_id=str(answer.id),
                kind="vote",
                rating=rating,
                given_at=_when(battle),
                rater=sha256(judge.encode("utf-8", "replace")).hexdigest()[:16] if judge else None,
            )


IMPORT = Import("battles of two answers and the votes on them: Search-Arena or LMArena", refuse, read)


def _battles(file: DroppedFile) -> Iterator[Mapping[str, Any]]:
    start = file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"PAR1"):
        yield from _parquet(file)
    elif start.startswith(b"["):
        with opened(file) as stream:
            yield from objects(stream, file.name)
    elif start.startswith(b"{"):
        yield from (row for _, row in lines(file))
    else:
        raise Unreadable(f"{file.name}: neither JSON nor Parquet")


def _parquet(file: DroppedFile) -> Iterator[Mapping[str, Any]]:
    try:
        parquet = pq.ParquetFile(file.path)
        if not {*_NEEDED} <= {*parquet.schema_arrow.names}:
            raise Unreadable(f"{file.name}: no model_a, model_b and winner among its columns")
        for batch in parquet.iter_batches(batch_size=500, use_threads=False):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise Unreadable(f"{file.name}: Parquet, cut off or damaged ({error}); get it again") from error


def _answer(battle: Mapping[str, Any], side: _Side, where: str) -> Answer:
    told = mappings(battle.get(f"messages_{side}")) or mappings(battle.get(f"conversation_{side}"))
    said = [message for message in told if message.get("role") == "assistant"]
    asked = [message for message in told if message.get("role") == "user"]
    if not said or not asked:
        raise Unreadable(f"{where}: no question or no answer in messages_{side}; get the file again")
    answer_text, model = text(said[-1].get("content")), text(battle.get(f"model_{side}")) or "unknown"
    offered = _offered(battle, side, len(said) - 1)
    citations = cited(answer_text, offered)
    return Answer(
        provider="arena",
        engine=model,
        surface=SURFACE,
        status=Status.GROUNDED if citations or offered else Status.UNGROUNDED,
        text=answer_text,
        model_served=model,
        citations=citations,
        retrievals=retrievals((url, title, None) for url, title in offered.values()),
        asked_at=_when(battle),
        ask=Ask(Prompt(text(asked[-1].get("content")))),
        id=f"{SURFACE}:{_identity(battle, where)}:{side}",
    )


def _offered(battle: Mapping[str, Any], side: _Side, turn: int) -> dict[int, Named]:
    """Pages that the search of a turn offered, by the number of their marker."""
    traces = sequence(mapping(battle.get(f"system_{side}_metadata")).get("web_search_trace"))
    offered: dict[int, Named] = {}
    for pair in sequence(traces[turn] if turn < len(traces) else None)[:_LONGEST_LIST]:
        marker, url = (*map(text, sequence(pair)[:2]), "", "")[:2]
        number = marker.strip("[]")
        if number.isascii() and number.isdigit() and url:
            offered.setdefault(int(number), (url, None))
    return offered


def _identity(battle: Mapping[str, Any], where: str) -> str:
    """The battle's own id, else its place in this file's words and time."""
    metadata = mapping(battle.get("system_a_metadata"))
    own = text(battle.get("question_id")) or text(battle.get("id")) or text(metadata.get("conv_id"))
    if own:
        return own
    words = repr([battle.get(name) for name in (*_NEEDED, "timestamp", "tstamp", "messages_a", "conversation_a")])
    return sha256((words or where).encode("utf-8", "replace")).hexdigest()[:32]


def _when(battle: Mapping[str, Any]) -> Any:
    told = battle.get("timestamp", battle.get("tstamp"))
    return moment(told) if isinstance(told, str | int | float) else told
