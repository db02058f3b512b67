"""Compiled code that walks through a block of a log once, line by line.

Only lines of the Common and Combined formats, with or without hosts, and only those about which nothing can be said
otherwise than `log_layouts.parsed` says it: no quote escaped, the clock right before the request, a status of three
digits. Of texts it says which they are, by their numbers. All other lines are left to that query.

Compiled once per machine, which takes seconds, and then kept beside the program or in the user's folder: so this module
is imported only where a log is large. And it is one module, because that is compiled anew only when this file changes.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, TypeVar

import numpy as np
from numba import njit

from geo_flywheel.store.log_rows import AGENT, HOST, IS_AGENT, IS_PERSON, REFERRER, Form, Judged, Rows
from geo_flywheel.store.log_texts import WORD, Ints, Table, Words

_Function = TypeVar("_Function", bound=Callable[..., Any])

_NEVER = np.iinfo(np.int64).min
_TEXTS = 4  # of a line at most
_TRIES = 64  # slots that are looked into
_FEED, _BLANK, _QUOTE, _DASH, _ZERO, _OPEN, _ESCAPE = b'\n "-0[\\'
_CLOCK = np.frombuffer(b"00/---/0000:00:00:00 +0000] ", np.uint8)
_SIGN = 21  # where in it the sign of the zone stands
_MONTHS = np.frombuffer(b"JanFebMarAprMayJunJulAugSepOctNovDec", np.uint8)
_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_DIGITS = 18  # that surely fit a BIGINT
_ONES = np.uint64(0x0101010101010101)
_HIGH = _ONES << np.uint64(7)
_ONE, _TOP, _BITS = np.uint64(1), np.uint64(56), np.uint64(64)
_P1, _P2, _P3, _P4, _P5 = (
    np.uint64(prime)
    for prime in (
        0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5,
    )
)  # fmt: skip


def _compiled(function: _Function) -> _Function:
    """Compile a function; nothing is made in it, and to count who holds its arrays took longer than all the rest."""
    made: _Function = njit(nogil=True, _nrt=False, forceinline=True)(function)  # type: ignore[call-overload]
    return made


def _kernel(function: _Function) -> _Function:
    """Compile a function that is called from elsewhere, and keep what came of it, if there is a folder for that."""
    compiled: Any = _compiled(function)
    with suppress(RuntimeError):
        compiled.enable_caching()

    @wraps(function)
    def called(*arguments: Any) -> Any:
        try:
            return compiled(*arguments)
        except OSError:  # it is compiled by now and was not run: only the disk had no room for it
            return compiled(*arguments)

    return called  # type: ignore[return-value]


@_compiled
def _sign(words: Any, at: Any) -> Any:
    """The byte at a place."""
    return np.int64(words[at] & np.uint64(0xFF))


@_compiled
def _zeros(word: Any) -> Any:
    """A word whose lowest bit is in the first byte of this one that is 0."""
    return (word - _ONES) & ~word & _HIGH


@_compiled
def _first(found: Any) -> Any:
    """Which byte the lowest bit is in."""
    return np.int64((((found & (~found + _ONE)) - _ONE) & _ONES) * _ONES >> _TOP) - 1


@_compiled
def _find(words: Any, at: Any, end: Any, sign: Any) -> Any:
    """Where a sign stands next, `end` if nowhere before."""
    signs = np.uint64(sign) * _ONES
    while at < end:
        found = _zeros(words[at] ^ signs)
        if found:
            return min(at + _first(found), end)
        at += WORD
    return end


@_compiled
def _line_end(words: Any, at: Any) -> Any:
    """Where the line feed stands, and whether there is an escape before it."""
    feeds, escapes = np.uint64(_FEED) * _ONES, np.uint64(_ESCAPE) * _ONES
    is_escaped = False
    while True:
        feed, escape = _zeros(words[at] ^ feeds), _zeros(words[at] ^ escapes)
        if feed:
            return at + _first(feed), is_escaped or (escape != 0 and _first(escape) < _first(feed))
        is_escaped |= escape != 0
        at += WORD


@_compiled
def _is_same(left: Any, at: Any, right: Any, place: Any, length: Any) -> Any:
    """Whether so many bytes are the same."""
    while length >= WORD:
        if left[at] != right[place]:
            return False
        at, place, length = at + WORD, place + WORD, length - WORD
    return length == 0 or (left[at] ^ right[place]) << (_BITS - np.uint64(8 * length)) == 0


@_compiled
def _copied(words: Any, at: Any, end: Any, into: Any, place: Any) -> Any:
    """Copy bytes, eight at a time, and return the place behind them; up to seven more are overwritten."""
    behind = place + end - at
    while at < end:
        into[place] = words[at]
        at, place = at + WORD, place + WORD
    return behind


@_compiled
def _turned(word: Any, bits: Any) -> Any:
    return (word << np.uint64(bits)) | (word >> np.uint64(64 - bits))


@_compiled
def _mixed(lane: Any, word: Any) -> Any:
    return _turned(lane + word * _P2, 31) * _P1


@_compiled
def _merged(digest: Any, lane: Any) -> Any:
    return (digest ^ _mixed(np.uint64(0), lane)) * _P1 + _P4


@_compiled
def _xxh64(words: Any, at: Any, end: Any) -> Any:
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


@_compiled
def _digest(words: Any, start: Any, end: Any, owner: Any) -> Any:
    return _xxh64(words, start, end) + np.uint64(owner) * _P3


@_compiled
def _is_text(known: Any, number: Any, words: Any, start: Any, end: Any, owner: Any) -> Any:
    """Whether the text of this number is that one."""
    _, entries, pool, _ = known
    entry = entries[number]
    is_as_long = entry.owner == owner and entry.end - entry.start == end - start
    return is_as_long and _is_same(pool, entry.start, words, start, end - start)


@_compiled
def _number(known: Any, words: Any, start: Any, end: Any, owner: Any, digest: Any) -> Any:
    """The number of a text, for which there is room; one that collides with too many others has a new one each time."""
    slots, entries, pool, count = known
    last = slots.size - 1
    slot = np.int64(digest) & last
    for _ in range(_TRIES):
        number = np.int64(slots[slot])
        if number < 0:
            break
        if entries[number].hash == digest and _is_text(known, number, words, start, end, owner):
            return number
        slot = (slot + 1) & last
    number = count[0]
    place = entries[number - 1].end if number > 0 else np.int64(0)
    entries[number].hash, entries[number].owner = digest, owner
    entries[number].start, entries[number].end = place, _copied(words, start, end, pool, place)
    if slots[slot] < 0:
        slots[slot] = number
    count[0] = number + 1
    return number


@_compiled
def _number_all(known: Any, words: Any, texts: Any) -> Any:
    """Give texts their numbers: first see for all where they should be, so that memory is not waited for one by one."""
    slots, entries, _, _ = known
    last = slots.size - 1
    for place in range(texts.size):
        number = slots[np.int64(texts[place].digest) & last]
        is_likely = number >= 0 and entries[max(number, 0)].hash == texts[place].digest
        texts[place].number = number if is_likely else -1
    for place in range(texts.size):
        text = texts[place]
        if text.number < 0 or not _is_text(known, text.number, words, text.start, text.end, text.owner):
            text.number = _number(known, words, text.start, text.end, text.owner, text.digest)


@_kernel
def placed(known: Table) -> None:
    """Give all texts of a table that was made anew their slots."""
    slots, entries, _, count = known
    last = slots.size - 1
    for number in range(count[0]):
        slot = np.int64(entries[number].hash) & last
        while slots[slot] >= 0:
            slot = (slot + 1) & last
        slots[slot] = number


@_compiled
def _two(words: Any, at: Any) -> Any:
    """The number that two digits make."""
    return 10 * (_sign(words, at) - _ZERO) + _sign(words, at + 1) - _ZERO


@_compiled
def _is_clock(words: Any, at: Any) -> Any:
    """Whether a clock, and its bracket, stands there."""
    for place in range(_CLOCK.size):
        sign, wanted = _sign(words, at + place), _CLOCK[place]
        is_right = sign == wanted or (place == _SIGN and sign == _DASH) or wanted == _DASH
        if not is_right and not (wanted == _ZERO and _ZERO <= sign < _ZERO + 10):
            return False
    return True


@_compiled
def _month(words: Any, at: Any) -> Any:
    """The month of this name, 0 for none."""
    for month in range(12):
        is_right = True
        for place in range(3):
            is_right &= _sign(words, at + place) == _MONTHS[3 * month + place]
        if is_right:
            return month + 1
    return 0


@_compiled
def _days(year: Any, month: Any, day: Any) -> Any:
    """Days from 1970 to a date, by years that begin in March."""
    if month < 3:
        year, month = year - 1, month + 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5 + day - 719469


@_compiled
def _moment(words: Any, at: Any) -> Any:
    """Microseconds from 1970 to the time a clock says, `_NEVER` if that is none."""
    if not _is_clock(words, at):
        return _NEVER
    year, month, day = 100 * _two(words, at + 7) + _two(words, at + 9), _month(words, at + 3), _two(words, at)
    hour, minute, second = _two(words, at + 12), _two(words, at + 15), _two(words, at + 18)
    if year == 0 or month == 0 or hour > 23 or minute > 59 or second > 59:
        return _NEVER
    is_leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _DAYS[month - 1] + is_leap:
        return _NEVER
    ahead = 60 * _two(words, at + 22) + _two(words, at + 24)
    minutes = 60 * hour + minute + (ahead if _sign(words, at + _SIGN) == _DASH else -ahead)
    return 1_000_000 * (86_400 * _days(year, month, day) + 60 * minutes + second)


@_compiled
def _is_clocked(words: Any, rows: Any, row: Any, start: Any, end: Any) -> Any:
    """Whether the first bracket of a line opens a clock, and a quote comes right behind; the row then says when."""
    opens = _find(words, start, end, _OPEN)
    at = opens + 1
    if opens == start or at + _CLOCK.size >= end:
        return False
    if _sign(words, opens - 1) != _BLANK or _sign(words, at + _CLOCK.size) != _QUOTE:
        return False
    if _find(words, start, opens, _QUOTE) < opens:
        return False
    rows[row].clock = at
    if row > 0 and _is_same(words, np.int64(rows[row - 1].clock), words, at, _CLOCK.size):
        rows[row].moment = rows[row - 1].moment
    else:
        rows[row].moment = _moment(words, at)
    return rows[row].moment != _NEVER


@_compiled
def _is_answered(words: Any, row: Any, at: Any, end: Any) -> Any:
    """Whether a status of three digits and a size follow the request; the row then says which."""
    if end - at < 6 or _sign(words, at) != _BLANK or _sign(words, at + 4) != _BLANK:
        return False
    status, size, place = 0, 0, at + 5
    for digit in range(at + 1, at + 4):
        sign = _sign(words, digit) - _ZERO
        if not 0 <= sign < 10:
            return False
        status = 10 * status + sign
    if _sign(words, place) == _DASH:
        size, place = -1, place + 1
    else:
        while place < min(end, at + 5 + _DIGITS) and 0 <= _sign(words, place) - _ZERO < 10:
            size, place = 10 * size + _sign(words, place) - _ZERO, place + 1
    row.status, row.size = status, size
    return place > at + 5 and (place == end or _sign(words, place) == _BLANK)


@_compiled
def _note(words: Any, text: Any, start: Any, end: Any, owner: Any) -> Any:
    """Note a text that is to be numbered."""
    text.start, text.end, text.owner, text.digest = start, end, owner, _digest(words, start, end, owner)


@_compiled
def _fits(words: Any, known: Any, form: Any, row: Any, texts: Any, start: Any, end: Any) -> Any:
    """Whether a line is laid out as it should be, its clock read already; the row then says what it says."""
    request = np.int64(row.clock + _CLOCK.size + 1)
    request_end = _find(words, request, end, _QUOTE)
    at = _find(words, request_end + 1, end, _QUOTE)
    if request_end == end or not _is_answered(words, row, request_end + 1, at):
        return False
    quotes = 2
    referrer = referrer_end = agent = agent_end = forwarded = start
    while at < end:
        place, quotes = at + 1, quotes + 1
        at = _find(words, place, end, _QUOTE)
        if quotes == 3:
            referrer, referrer_end = place, at
        elif quotes == 5:
            agent, agent_end = place, at
        elif quotes == 7:
            forwarded = place
    if quotes < form.quotes or quotes % 2:
        return False
    host, address = np.int64(0), start
    if form.has_host:
        host_end = _find(words, start, end, _BLANK)
        host = _number(known, words, start, host_end, HOST, _digest(words, start, host_end, HOST))
        address = host_end + 1
    row.start, row.end, row.address, row.forwarded = start, end, address, forwarded if quotes > 7 else 0
    _note(words, texts[0], request, request_end, host)
    _note(words, texts[1], referrer, referrer_end, REFERRER)
    _note(words, texts[2], agent, agent_end, AGENT)
    return True


@_compiled
def _has_room(known: Any, texts: Any, size: Any) -> Any:
    """Whether so many more texts, of so many bytes together, find a place."""
    _, entries, pool, count = known
    used = entries[count[0] - 1].end if count[0] > 0 else 0
    return count[0] + texts <= entries.size and used + size + WORD <= pool.size


@_compiled
def _finish(known: Any, words: Any, rows: Any, texts: Any) -> Any:
    """Give the texts of some lines their numbers."""
    _number_all(known, words, texts[: 3 * rows.size])
    for place in range(rows.size):
        rows[place].request = texts[3 * place].number
        rows[place].referrer = texts[3 * place + 1].number
        rows[place].agent = texts[3 * place + 2].number


@_kernel
def walk(words: Words, begin: int, known: Table, rows: Rows, texts: Rows, form: Form) -> tuple[int, int]:
    """Walk through a block, from a place on, for as long as there is room for its texts.

    Args:
        words: Its lines, as `log_texts.words` makes them.
        begin: Where a line begins.
        known: Texts that came so far; those that are new are put there.
        rows: Takes up the lines that fit, with room for one more, shape (line,) of `log_rows.ROW`.
        texts: Room for some texts, three of a line, shape (text,) of `log_rows.TEXT`.
        form: How lines are laid out.

    Returns:
        How many lines fit, and where the line begins that found no room.
    """
    row = first = 0
    start = since = begin
    while start < words.size - 1:
        end, is_escaped = _line_end(words, start)
        place = 3 * (row - first)
        if not _has_room(known, place + _TEXTS, end - since):
            break
        is_clocked = not is_escaped and _is_clocked(words, rows, row, start, end)
        if is_clocked and _fits(words, known, form, rows[row], texts[place:], start, end):
            rows[row].key = _xxh64(words, start, end)
            row += 1
        start = end + 1
        if 3 * (row - first) == texts.size:
            _finish(known, words, rows[first:row], texts)
            first, since = row, start
    _finish(known, words, rows[first:row], texts)
    return row, start


@_kernel
def judge(rows: Rows, told: Rows, kinds: Ints, lines: Judged) -> None:
    """Find out what lines are.

    Args:
        rows: Lines whose texts have their numbers.
        told: Of each text, shape (text,) of `log_rows.TOLD`.
        kinds: Of each client: `IS_PERSON`, `IS_MACHINE` or `IS_AGENT`.
        lines: Takes up what is found.
    """
    for row in range(rows.size):
        line, request = rows[row], told[rows[row].request]
        kind, sender = kinds[told[line.agent].client], max(request.sender, told[line.referrer].sender)
        lines.keys[row], lines.moments[row], lines.status[row] = line.key, line.moment, line.status
        lines.page[row] = request.page
        lines.is_visit[row] = kind == IS_AGENT or (kind == IS_PERSON and sender > 0)


@_kernel
def claim(words: Words, rows: Rows, clients: Ints, known: Table, claims: Ints) -> int:
    """Give claims their numbers: who says that it is which agent, by address and those it was forwarded for.

    Args:
        words: The block.
        rows: Its lines of agents, shape (line,); where their addresses end is noted.
        clients: Number of the agent that each claims to be.
        known: Claims that came so far; new ones are put there. Those forwarded belong to the claim of the address.
        claims: Takes up the numbers.

    Returns:
        How many lines have them, until there was no room.
    """
    for row in range(rows.size):
        line = rows[row]
        if not _has_room(known, _TEXTS, line.end - line.start):
            return row
        line.address_end = _find(words, np.int64(line.address), line.end, _BLANK)
        digest = _digest(words, line.address, line.address_end, clients[row])
        claims[row] = _number(known, words, line.address, line.address_end, clients[row], digest)
        if line.forwarded > 0:
            owner = -1 - claims[row]
            digest = _digest(words, line.forwarded, line.end, owner)
            claims[row] = _number(known, words, line.forwarded, line.end, owner, digest)
    return rows.size
