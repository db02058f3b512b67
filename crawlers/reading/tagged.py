"""Tags with JSON between them that stand in the midst of a text, as Brave puts its citations and its bill there."""

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"\s*")


class Tag(NamedTuple):
    """A tag that was taken out of a text.

    Attributes:
        place: Where it stood in what is left of the text, in code points.
        value: The JSON in it, a string for plain words; None when the JSON is broken or was cut off.
    """

    name: str
    place: int
    value: Any


def without_tags(told: str, with_json: Sequence[str], with_words: Sequence[str] = ()) -> tuple[str, list[Tag]]:
    """Return a text without its tags, and the tags in their order.

    What looks like a tag and holds nothing of what it should, or has no end, is text like any other; only JSON that
    is cut off with the end of the text belongs to a tag all the same.

    Args:
        told: The text; the time is proportional to its length.
        with_json: Names of tags that hold a JSON object or array.
        with_words: Names of tags that hold such JSON or plain words.
    """
    opening = re.compile(rf"<({'|'.join(map(re.escape, (*with_json, *with_words)))})>")
    last = {name: told.rfind(f"</{name}>") for name in (*with_json, *with_words)}
    pieces: list[str] = []
    tags: list[Tag] = []
    place = after = search = 0
    while opened := opening.search(told, search):
        name, inside = opened[1], opened.end()
        held = _held(told, inside, f"</{name}>", last[name], words=name in with_words)
        search = inside
        if held:
            pieces.append(told[after : opened.start()])
            place += len(pieces[-1])
            tags.append(Tag(name, place, held[0]))
            after = search = held[1]
    return "".join([*pieces, told[after:]]), tags


def _held(told: str, inside: int, closing: str, last: int, *, words: bool) -> tuple[Any, int] | None:
    """What a tag holds and where it ends; None when it is no tag."""
    start = _after_blank(told, inside)
    is_json = told[start : start + 1] in {"{", "["}
    if is_json:
        value, end = _json(told, start)
        if end is not None and told.startswith(closing, _after_blank(told, end)):
            return value, _after_blank(told, end) + len(closing)
    elif not words and start < len(told):
        return None
    if last >= inside:
        at = told.index(closing, inside)
        return None if is_json or not words else told[inside:at], at + len(closing)
    return (None, len(told)) if is_json or start == len(told) else None


def _after_blank(told: str, place: int) -> int:
    blank = _BLANK.match(told, place)
    return blank.end() if blank else place


def _json(told: str, place: int) -> tuple[Any, int | None]:
    """The JSON that begins at a place, and its end; no end when it is broken."""
    try:
        return _DECODER.raw_decode(told, place)
    except (ValueError, RecursionError):
        return None, None
