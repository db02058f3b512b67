"""Answers that people rated, in the project's own form: NDJSON of `{question, answer, citations, rating, rater, ts}`.

`citations` lists addresses or `{url, title}`; without it the links of the answer's text count. A rating is -1, 0 or 1,
or 1 to 5 when the file holds any above 1 (4 and 5 are up, 1 and 2 down); `--set scale=5` says so where it holds none.
`engine`, `topic` and `locale` may stand beside them. Two lines on one answer are two ratings of it.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import orjson

from crawlers.base import DroppedFile, Import
from crawlers.dropped.prose import cited
from crawlers.dropped.tables import lines
from crawlers.reading.citing import Citing
from crawlers.reading.lenient import mapping, moment, sequence, text
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Citation, Fact, Feedback, Prompt, Status

SURFACE = "rated"
_QUESTION, _ANSWER = ("question", "prompt"), ("answer", "response")
_THUMBS, _STARS = 1, 5
_MIDDLE = 3


def refuse(file: DroppedFile) -> str | None:
    """Return None for lines with a question, an answer and a rating; else what is missing."""
    start = file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start.startswith(b"{"):
        return "no JSON objects line by line"
    try:
        _, row = next(lines(file), (0, {}))
    except Unreadable as error:
        return str(error).removeprefix(f"{file.name}: ")
    missing = [names[0] for names in (_QUESTION, _ANSWER, ("rating",)) if not any(name in row for name in names)]
    return f"its first line has no {', '.join(missing)}" if missing else None


def read(file: DroppedFile) -> Iterator[Fact]:
    """Yield every answer once and every rating of it.

    Raises:
        Unreadable: Naming the line at fault.
    """
    scale = _scale(file)
    known: set[str] = set()
    for number, row in lines(file):
        where = f"{file.name}: line {number}"
        answer = _answer(row, file.options, where)
        if answer.id not in known:
            known.add(str(answer.id))
            yield answer
        score = _rating(row, where)
        yield Feedback(
            answer_id=str(answer.id),
            kind="rating",
            rating=_direction(score, scale),
            given_at=moment(row.get("ts")) or moment(row.get("timestamp")),
            comment=text(row.get("comment")) or None,
            rater=_rater(row.get("rater")),
            score=score,
        )


IMPORT = Import("answers that people rated: NDJSON of question, answer, citations, rating", refuse, read)


def _scale(file: DroppedFile) -> int:
    """Highest rating there may be: 1 or 5."""
    said = file.options.get("set.scale")
    if said is not None:
        if said not in {"1", "5"}:
            raise Unreadable(f"{file.name}: --set scale={said}: a rating goes to 1 (thumbs) or to 5 (stars)")
        return int(said)
    ratings = {_rating(row, f"{file.name}: line {number}") for number, row in lines(file)}
    if max(ratings, default=0) <= _THUMBS:
        return _THUMBS
    if min(ratings) < _THUMBS:
        raise Unreadable(
            f"{file.name}: ratings both below 1 and above 1, so neither thumbs (-1 to 1) nor stars (1 to 5);"
            " hand in each kind as a file of its own"
        )
    return _STARS


def _rating(row: Mapping[str, Any], where: str) -> float:
    told = row.get("rating")
    if isinstance(told, bool) or not isinstance(told, int | float) or not -_THUMBS <= told <= _STARS:
        raise Unreadable(f"{where}: rating is {told!r:.40}, not -1, 0, 1 or 1 to 5; mend that line")
    return float(told)


def _direction(score: float, scale: int) -> int:
    middle = _MIDDLE if scale == _STARS else 0
    return (score > middle) - (score < middle)


def _rater(told: object) -> str | None:
    """A number for whoever rated: who it was stays outside."""
    said = str(told) if isinstance(told, str | int) and str(told) else None
    return None if said is None else sha256(said.encode("utf-8", "replace")).hexdigest()[:16]


def _answer(row: Mapping[str, Any], options: Mapping[str, str], where: str) -> Answer:
    question, said = _first(row, _QUESTION), _first(row, _ANSWER)
    if not question or not said:
        raise Unreadable(f"{where}: question or answer is empty; mend or remove that line")
    engine = text(row.get("engine")) or options.get("set.engine") or "unknown"
    citations = _listed(row, said, where) if "citations" in row else cited(said)
    identity = orjson.dumps([engine, question, said, [page.raw_url for page in citations]])
    return Answer(
        provider=text(row.get("provider")) or engine,
        engine=engine,
        surface=SURFACE,
        status=Status.GROUNDED if citations else Status.UNGROUNDED,
        text=said,
        model_served=text(row.get("model")) or None,
        citations=citations,
        asked_at=moment(row.get("asked_at")),
        ask=Ask(Prompt(question, text(row.get("topic")), text(row.get("locale")))),
        id=f"{SURFACE}:{sha256(identity).hexdigest()[:32]}",
    )


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((text(row.get(name)) for name in names if text(row.get(name)).strip()), "")


def _listed(row: Mapping[str, Any], said: str, where: str) -> tuple[Citation, ...]:
    """The pages that the line lists as cited."""
    if not isinstance(row["citations"], list | None):
        raise Unreadable(f"{where}: citations is no list; mend that line")
    citing = Citing(said)
    for page in sequence(row["citations"]):
        url = page if isinstance(page, str) else text(mapping(page).get("url"))
        citing.cite(url, text(mapping(page).get("title")) or None)
    return citing.citations()
