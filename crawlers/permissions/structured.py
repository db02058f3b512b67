"""Dictionaries of structured fields (RFC 9651, 4.2.2), as far as telling tokens from everything else."""

import re

_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_TOKEN = re.compile(r"[A-Za-z*][\w!#$%&'*+.^`|~:/-]*", re.ASCII)
_ITEM = re.compile(
    r"""
    -?\d{1,12}\.\d{1,3}(?!\d) | -?\d{1,15}(?![\d.])    # a decimal or an integer
    | "(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"      # a string
    | :[A-Za-z0-9+/=]*:                                # bytes
    | \?[01]                                           # a boolean
    | @-?\d{1,15}                                      # a date
    | %"(?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*" # a display string
    """,
    re.VERBOSE,
)
_SPACE, _COMMA = re.compile(r" *"), re.compile(r"[ \t]*,[ \t]*")


def tokens(value: str) -> dict[str, str | None] | None:
    """Return the members of a dictionary: a token as it is, everything else None. Of a key that recurs the last counts.

    Returns:
        None when it is no dictionary.
    """
    found: dict[str, str | None] = {}
    rest = value.strip(" ")
    while rest:
        key = _KEY.match(rest)
        if key is None:
            return None
        rest = rest[key.end() :]
        token: str | None = None
        if rest.startswith("="):
            token, after = _member(rest[1:])
            if after is None:
                return None
            rest = after
        after = _parameters(rest)
        if after is None:
            return None
        found.pop(key[0], None)
        found[key[0]] = token
        comma = _COMMA.match(after)
        if after and (comma is None or comma.end() == len(after)):
            return None
        rest = after[comma.end() :] if comma else ""
    return found


def _member(text: str) -> tuple[str | None, str | None]:
    """The token a value is, None for another kind, and what follows it; None for that when it is no value."""
    if not text.startswith("("):
        return _bare(text)
    rest: str | None = text[1:]
    while rest is not None:
        stripped = rest.lstrip(" ")
        if stripped.startswith(")"):
            return None, stripped[1:]
        _, rest = _bare(stripped)
        rest = None if rest is None else _parameters(rest)
        if rest is not None and not rest.startswith((" ", ")")):
            return None, None
    return None, None


def _bare(text: str) -> tuple[str | None, str | None]:
    if token := _TOKEN.match(text):
        return token[0], text[token.end() :]
    item = _ITEM.match(text)
    return None, text[item.end() :] if item else None


def _parameters(text: str) -> str | None:
    """What follows the parameters at the start of a text; None when they are none."""
    while text.startswith(";"):
        text = text[1:].lstrip(" ")
        key = _KEY.match(text)
        if key is None:
            return None
        text = text[key.end() :]
        if text.startswith("="):
            _, after = _bare(text[1:])
            if after is None:
                return None
            text = after
    return text
