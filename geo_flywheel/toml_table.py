"""Values of a TOML table taken out with their type checked; every error names key, place and remedy."""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from difflib import get_close_matches
from math import isfinite

from geo_flywheel.errors import ConfigError

_SECRET = re.compile(r"api_?key|secret|token|password|credential", re.IGNORECASE)
Table = Mapping[str, object]


def known(table: Table, keys: Collection[str], where: str) -> None:
    """Refuse keys that are none of `keys`, and with their own message those that look like a secret.

    Args:
        table: As the file has it.
        keys: What may stand in it.
        where: The place in the file, as "in [site]".

    Raises:
        ConfigError: If there is another key; the nearest known one is named.
    """
    for key in table:
        if key in keys:
            continue
        if _SECRET.search(key):
            raise ConfigError(
                f"{key} ({where}) looks like a secret; take it out of the file and set it in the environment"
            )
        near = get_close_matches(key, keys, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(keys) or 'none'}"
        raise ConfigError(f"nothing is called {key} {where}; {hint}")


def subtable(table: Table, key: str, where: str) -> Table:
    """Return the table under a key, an empty one when there is none."""
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{key} ({where}) is {kind(value)}, not a table; write [{key}]")
    return value


def texts(table: Table, key: str, where: str, example: str = "example.com") -> tuple[str, ...]:
    """Return the list of texts under a key, an empty one when there is none."""
    value = table.get(key, [])
    if not isinstance(value, list):
        raise ConfigError(f'{key} ({where}) is {kind(value)}, not a list; write {key} = ["{example}"]')
    return tuple(text(item, key, where) for item in value)


def text(value: object, key: str, where: str) -> str:
    """Return a value that must be text."""
    if not isinstance(value, str):
        raise ConfigError(f"{key} ({where}) is {kind(value)}, not text; put it in quotes")
    return value


def choice(table: Table, key: str, where: str, choices: Collection[str], default: str) -> str:
    """Return the text under a key, one of `choices`."""
    value = text(table.get(key, default), key, where)
    if value not in choices:
        raise ConfigError(f'{key} ({where}) is "{value}"; write one of {", ".join(choices)}')
    return value


def whole(table: Table, key: str, where: str, least: int, most: int, default: int) -> int:
    """Return the whole number under a key, from `least` to `most`."""
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{key} ({where}) is {kind(value)}, not a whole number; write {key} = {default}")
    if not least <= value <= most:
        raise ConfigError(f"{key} ({where}) is {value}; write a number from {least} to {most}")
    return value


def amount(table: Table, key: str, where: str) -> Decimal | None:
    """Return the amount under a key, zero or more, or None when there is none."""
    value = table.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{key} ({where}) is {kind(value)}, not a number; write {key} = 5.00")
    if not isfinite(value) or value < 0:
        raise ConfigError(f"{key} ({where}) is {value}; write an amount of zero or more")
    return Decimal(str(value))


def kind(value: object) -> str:
    """Return what a person calls values of this type."""
    kinds = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return kinds.get(type(value), f"a {type(value).__name__}")
