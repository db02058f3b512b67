"""Compiled code that walks through a block of a log once, line by line.

Only lines of the Common and Combined formats, with or without hosts, and only those about which nothing can be said
otherwise than `layouts.parsed` says it: no quote escaped, the clock right before the request, a status of three
digits. Of texts it says which they are, by their numbers. All other lines are left to that query.

Compiled once per machine, which takes seconds, and then kept beside the program or in the user's folder: so this module
is imported only where a log is large. It is compiled anew only when this file changes: so `PARTS` stands in it.
"""

from typing import Any

import numpy as np

from geo_flywheel.store.access_logs.clock import CLOCK, NEVER, moment_of
from geo_flywheel.store.access_logs.rows import AGENT, HOST, IS_AGENT, IS_PERSON, REFERRER, Form, Judged, Rows
from geo_flywheel.store.access_logs.table import digest_of, has_room, number_all, number_of
from geo_flywheel.store.access_logs.texts import Ints, Table, Words
from geo_flywheel.store.access_logs.words import (
    BLANK,
    DASH,
    OPEN,
    QUOTE,
    ZERO,
    compiled,
    find,
    is_same,
    kernel,
    line_end,
    sign_at,
    xxh64,
)  # fmt: skip

PARTS = ("clock", "rows", "table", "texts", "words")  # whose code is compiled into that of this one
DIGEST = "26156ac11ddc9715"  # of these, as they are
_TEXTS = 4  # of a line at most
_DIGITS = 18  # that surely fit a BIGINT


@compiled
def _is_clocked(words: Any, rows: Any, row: Any, start: Any, end: Any) -> Any:
    """Whether the first bracket of a line opens a clock, and a quote comes right behind; the row then says when."""
    opens = find(words, start, end, OPEN)
    at = opens + 1
    if opens == start or at + CLOCK.size >= end:
        return False
    if sign_at(words, opens - 1) != BLANK or sign_at(words, at + CLOCK.size) != QUOTE:
        return False
    if find(words, start, opens, QUOTE) < opens:
        return False
    rows[row].clock = at
    if row > 0 and is_same(words, np.int64(rows[row - 1].clock), words, at, CLOCK.size):
        rows[row].moment = rows[row - 1].moment
    else:
        rows[row].moment = moment_of(words, at)
    return rows[row].moment != NEVER


@compiled
def _is_answered(words: Any, row: Any, at: Any, end: Any) -> Any:
    """Whether a status of three digits and a size follow the request; the row then says which."""
    if end - at < 6 or sign_at(words, at) != BLANK or sign_at(words, at + 4) != BLANK:
        return False
    status, size, place = 0, 0, at + 5
    for digit in range(at + 1, at + 4):
        sign = sign_at(words, digit) - ZERO
        if not 0 <= sign < 10:
            return False
        status = 10 * status + sign
    if sign_at(words, place) == DASH:
        size, place = -1, place + 1
    else:
        while place < min(end, at + 5 + _DIGITS) and 0 <= sign_at(words, place) - ZERO < 10:
            size, place = 10 * size + sign_at(words, place) - ZERO, place + 1
    row.status, row.size = status, size
    return place > at + 5 and (place == end or sign_at(words, place) == BLANK)


@compiled
def _note(words: Any, text: Any, start: Any, end: Any, owner: Any) -> Any:
    """Note a text that is to be numbered."""
    text.start, text.end, text.owner, text.digest = start, end, owner, digest_of(words, start, end, owner)


@compiled
def _fits(words: Any, known: Any, form: Any, row: Any, texts: Any, start: Any, end: Any) -> Any:
    """Whether a line is laid out as it should be, its clock read already; the row then says what it says."""
    request = np.int64(row.clock + CLOCK.size + 1)
    request_end = find(words, request, end, QUOTE)
    at = find(words, request_end + 1, end, QUOTE)
    if request_end == end or not _is_answered(words, row, request_end + 1, at):
        return False
    quotes = 2
    referrer = referrer_end = agent = agent_end = forwarded = start
    while at < end:
        place, quotes = at + 1, quotes + 1
        at = find(words, place, end, QUOTE)
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
        host_end = find(words, start, end, BLANK)
        host = number_of(known, words, start, host_end, HOST, digest_of(words, start, host_end, HOST))
        address = host_end + 1
    row.start, row.end, row.address, row.forwarded = start, end, address, forwarded if quotes > 7 else 0
    _note(words, texts[0], request, request_end, host)
    _note(words, texts[1], referrer, referrer_end, REFERRER)
    _note(words, texts[2], agent, agent_end, AGENT)
    return True


@compiled
def _finish(known: Any, words: Any, rows: Any, texts: Any) -> Any:
    """Give the texts of some lines their numbers."""
    number_all(known, words, texts[: 3 * rows.size])
    for place in range(rows.size):
        rows[place].request = texts[3 * place].number
        rows[place].referrer = texts[3 * place + 1].number
        rows[place].agent = texts[3 * place + 2].number


@kernel
def walk(words: Words, begin: int, known: Table, rows: Rows, texts: Rows, form: Form) -> tuple[int, int]:
    """Walk through a block, from a place on, for as long as there is room for its texts.

    Args:
        words: Its lines, as `texts.words` makes them.
        begin: Where a line begins.
        known: Texts that came so far; those that are new are put there.
        rows: Takes up the lines that fit, with room for one more, shape (line,) of `rows.ROW`.
        texts: Room for some texts, three of a line, shape (text,) of `rows.TEXT`.
        form: How lines are laid out.

    Returns:
        How many lines fit, and where the line begins that found no room.
    """
    row = first = 0
    start = since = begin
    while start < words.size - 1:
        end, is_escaped = line_end(words, start)
        place = 3 * (row - first)
        if not has_room(known, place + _TEXTS, end - since):
            break
        is_clocked = not is_escaped and _is_clocked(words, rows, row, start, end)
        if is_clocked and _fits(words, known, form, rows[row], texts[place:], start, end):
            rows[row].key = xxh64(words, start, end)
            row += 1
        start = end + 1
        if 3 * (row - first) == texts.size:
            _finish(known, words, rows[first:row], texts)
            first, since = row, start
    _finish(known, words, rows[first:row], texts)
    return row, start


@kernel
def judge(rows: Rows, told: Rows, kinds: Ints, lines: Judged) -> None:
    """Find out what lines are.

    Args:
        rows: Lines whose texts have their numbers.
        told: Of each text, shape (text,) of `rows.TOLD`.
        kinds: Of each client: `IS_PERSON`, `IS_MACHINE` or `IS_AGENT`.
        lines: Takes up what is found.
    """
    for row in range(rows.size):
        line, request = rows[row], told[rows[row].request]
        kind, sender = kinds[told[line.agent].client], max(request.sender, told[line.referrer].sender)
        lines.keys[row], lines.moments[row], lines.status[row] = line.key, line.moment, line.status
        lines.page[row] = request.page
        lines.is_visit[row] = kind == IS_AGENT or (kind == IS_PERSON and sender > 0)


@kernel
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
        if not has_room(known, _TEXTS, line.end - line.start):
            return row
        line.address_end = find(words, np.int64(line.address), line.end, BLANK)
        digest = digest_of(words, line.address, line.address_end, clients[row])
        claims[row] = number_of(known, words, line.address, line.address_end, clients[row], digest)
        if line.forwarded > 0:
            owner = -1 - claims[row]
            digest = digest_of(words, line.forwarded, line.end, owner)
            claims[row] = number_of(known, words, line.forwarded, line.end, owner, digest)
    return rows.size
