"""Compiled code that numbers the texts of a log."""

from typing import Any

import numpy as np

from geo_flywheel.store.access_logs.texts import WORD, Table
from geo_flywheel.store.access_logs.words import compiled, copied, is_same, kernel, xxh64

_TRIES = 64  # slots that are looked into
_PRIME = np.uint64(0x165667B19E3779F9)


@compiled
def digest_of(words: Any, start: Any, end: Any, owner: Any) -> Any:
    """The hash of a text of an owner."""
    return xxh64(words, start, end) + np.uint64(owner) * _PRIME


@compiled
def _is_text(known: Any, number: Any, words: Any, start: Any, end: Any, owner: Any) -> Any:
    """Whether the text of this number is that one."""
    _, entries, pool, _ = known
    entry = entries[number]
    is_as_long = entry.owner == owner and entry.end - entry.start == end - start
    return is_as_long and is_same(pool, entry.start, words, start, end - start)


@compiled
def number_of(known: Any, words: Any, start: Any, end: Any, owner: Any, digest: Any) -> Any:
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
    entries[number].start, entries[number].end = place, copied(words, start, end, pool, place)
    if slots[slot] < 0:
        slots[slot] = number
    count[0] = number + 1
    return number


@compiled
def number_all(known: Any, words: Any, texts: Any) -> Any:
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
            text.number = number_of(known, words, text.start, text.end, text.owner, text.digest)


@kernel
def placed(known: Table) -> None:
    """Give all texts of a table that was made anew their slots."""
    slots, entries, _, count = known
    last = slots.size - 1
    for number in range(count[0]):
        slot = np.int64(entries[number].hash) & last
        while slots[slot] >= 0:
            slot = (slot + 1) & last
        slots[slot] = number


@compiled
def has_room(known: Any, texts: Any, size: Any) -> Any:
    """Whether so many more texts, of so many bytes together, find a place."""
    _, entries, pool, count = known
    used = entries[count[0] - 1].end if count[0] > 0 else 0
    return count[0] + texts <= entries.size and used + size + WORD <= pool.size
