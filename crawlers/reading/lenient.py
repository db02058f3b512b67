"""Values out of a document nobody vouches for: what is not of the kind asked for counts as absent."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from crawlers.reading.wire import Document

_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_EPOCH = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)


def text(value: object) -> str:
    """Return a string, or an empty one."""
    return value if isinstance(value, str) else ""


def mapping(value: object) -> Document:
    """Return a JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """Return a JSON array, or an empty one."""
    return value if isinstance(value, list) else []


def mappings(value: object) -> list[Document]:
    """Return the JSON objects of an array; everything else in it is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def integer(value: object) -> int | None:
    """Return an integer; a boolean is none."""
    return value if type(value) is int else None


def amount(value: object) -> float | None:
    """Return a finite number of zero or more, also from its decimal string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def embedded(value: object) -> Document:
    """Return the JSON object inside a string, or an empty one."""
    try:
        return mapping(orjson.loads(text(value)))
    except orjson.JSONDecodeError:
        return {}


def moment(value: object) -> datetime | None:
    """Return naive UTC from seconds since 1970 or from an ISO 8601 string; None outside the years 2000 to 2100."""
    try:
        if isinstance(value, str):
            told = datetime.fromisoformat(value)
            told = told if told.tzinfo is None else told.astimezone(UTC).replace(tzinfo=None)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            told = _EPOCH + timedelta(seconds=value)
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return told if _FIRST_YEAR <= told.year <= _LAST_YEAR else None


def seconds(told: datetime | None) -> int | None:
    """Return naive UTC as whole seconds since 1970."""
    return None if told is None else int(told.replace(tzinfo=UTC).timestamp())
