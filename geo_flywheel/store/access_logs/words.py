"""Compiled code over text, eight bytes at a time."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

from geo_flywheel.store.access_logs.texts import WORD

_Function = TypeVar("_Function", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {"nogil": True, "_nrt": False, "forceinline": True}

FEED, BLANK, QUOTE, DASH, ZERO, OPEN, ESCAPE = b'\n "-0[\\'
_ONES = np.uint64(0x0101010101010101)
_HIGH = _ONES << np.uint64(7)
_ONE, _TOP, _BITS = np.uint64(1), np.uint64(56), np.uint64(64)
_P1, _P2, _P3, _P4, _P5 = (
    np.uint64(prime)
    for prime in (
        0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5,
    )
)  # fmt: skip


def compiled(function: _Function) -> _Function:
    """Compile a function; nothing is made in it, and to count who holds its arrays took longer than all the rest."""
    made: _Function = njit(**_OPTIONS)(function)
    return made


def kernel(function: _Function) -> _Function:
    """Compile a function that is called from elsewhere, and keep what came of it, if there is a folder for that."""
    made: Any = compiled(function)
    with suppress(RuntimeError):
        made.enable_caching()

    @wraps(function)
    def called(*arguments: Any) -> Any:
        try:
            return made(*arguments)
        except OSError:  # it is compiled by now and was not run: only the disk had no room for it
            return made(*arguments)

    return cast("_Function", called)


@compiled
def sign_at(words: Any, at: Any) -> Any:
    """The byte at a place."""
    return np.int64(words[at] & np.uint64(0xFF))


@compiled
def _zeros(word: Any) -> Any:
    """A word whose lowest bit is in the first byte of this one that is 0."""
    return (word - _ONES) & ~word & _HIGH


@compiled
def _first(found: Any) -> Any:
    """Which byte the lowest bit is in."""
    return np.int64((((found & (~found + _ONE)) - _ONE) & _ONES) * _ONES >> _TOP) - 1


@compiled
def find(words: Any, at: Any, end: Any, sign: Any) -> Any:
    """Where a sign stands next, `end` if nowhere before."""
    signs = np.uint64(sign) * _ONES
    while at < end:
        found = _zeros(words[at] ^ signs)
        if found:
            return min(at + _first(found), end)
        at += WORD
    return end


@compiled
def line_end(words: Any, at: Any) -> Any:
    """Where the line feed stands, and whether there is an escape before it."""
    feeds, escapes = np.uint64(FEED) * _ONES, np.uint64(ESCAPE) * _ONES
    is_escaped = False
    while True:
        feed, escape = _zeros(words[at] ^ feeds), _zeros(words[at] ^ escapes)
        if feed:
            return at + _first(feed), is_escaped or (escape != 0 and _first(escape) < _first(feed))
        is_escaped |= escape != 0
        at += WORD


@compiled
def is_same(left: Any, at: Any, right: Any, place: Any, length: Any) -> Any:
    """Whether so many bytes are the same."""
    while length >= WORD:
        if left[at] != right[place]:
            return False
        at, place, length = at + WORD, place + WORD, length - WORD
    return length == 0 or (left[at] ^ right[place]) << (_BITS - np.uint64(8 * length)) == 0


@compiled
def copied(words: Any, at: Any, end: Any, into: Any, place: Any) -> Any:
    """Copy bytes, eight at a time, and return the place behind them; up to seven more are overwritten."""
    behind = place + end - at
    while at < end:
        into[place] = words[at]
        at, place = at + WORD, place + WORD
    return behind


@compiled
def _turned(word: Any, bits: Any) -> Any:
    return (word << np.uint64(bits)) | (word >> np.uint64(64 - bits))


@compiled
def _mixed(lane: Any, word: Any) -> Any:
    return _turned(lane + word * _P2, 31) * _P1


@compiled
def _merged(digest: Any, lane: Any) -> Any:
    return (digest ^ _mixed(np.uint64(0), lane)) * _P1 + _P4


@compiled
def xxh64(words: Any, at: Any, end: Any) -> Any:
    """XXH64, seed 0, of bytes: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md."""
    digest = _P5
    length = np.uint64(end - at)
    if end - at >= 4 * WORD:
        a, b, c, d = _P1 + _P2, _P2, np.uint64(0), ~_P1 + _ONE
        while at + 4 * WORD <= end:
            a, b = _mixed(a, words[at]), _mixed(b, words[at + WORD])
            c, d = _mixed(c, words[at + 2 * WORD]), _mixed(d, words[at + 3 * WORD])
            at += 4 * WORD
        digest = _turned(a, 1) + _turned(b, 7) + _turned(c, 12) + _turned(d, 18)
        digest = _merged(_merged(_merged(_merged(digest, a), b), c), d)
    digest += length
    while at + WORD <= end:
        digest = _turned(digest ^ _mixed(np.uint64(0), words[at]), 27) * _P1 + _P4
        at += WORD
    if at + 4 <= end:
        digest = _turned(digest ^ (words[at] & np.uint64(0xFFFFFFFF)) * _P1, 23) * _P2 + _P3
        at += 4
    while at < end:
        digest = _turned(digest ^ (words[at] & np.uint64(0xFF)) * _P5, 11) * _P1
        at += 1
    digest = (digest ^ (digest >> np.uint64(33))) * _P2
    digest = (digest ^ (digest >> np.uint64(29))) * _P3
    return digest ^ (digest >> np.uint64(32))
