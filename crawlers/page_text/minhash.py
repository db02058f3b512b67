"""MinHash signatures of texts: 112 hashes over 5-grams of words, compared in 14 bands of 8 as FineWeb does.

Two texts whose sets of 5-grams have the Jaccard similarity s share a band with probability 1 - (1 - s^8)^14: .56 at .7,
.92 at .8. FineWeb drops all but one of the texts of a crawl that share one.

A word is hashed by CRC-32, a 5-gram by a polynomial over its words, folded to 32 bits; the permutations are
(a h + b mod 2^64) mod (2^61 - 1), cut to 32 bits, with constants drawn once, as datasketch and datatrove have them. So
signatures compare with each other, and with nobody else's.
"""

import re
import unicodedata
from functools import cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint32]

GRAM, BANDS, ROWS = 5, 14, 8
HASHES = BANDS * ROWS
_PRIME = np.uint64((1 << 61) - 1)
_SHIFT, _LOW = np.uint64(61), np.uint64((1 << 32) - 1)
_BASE, _FOLD = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)
_AT_ONCE = 256  # 5-grams whose hashes are made at once: what fits into the cache of a core
_NUMBER, _WORD = re.compile(r"\d+(?:[.,\u066b]\d+)?"), re.compile(r"[^\W_]+")


def signature(text: str) -> bytes | None:
    """Return the signature of a text, 112 little-endian 32-bit words; None for one of fewer than five words."""
    found = shingles(text)
    return least(found).astype("<u4").tobytes() if found.size else None


def shingles(text: str) -> Hashes:
    """Return the 32-bit hash of each 5-gram of a text, in order, shape (words - 4,) or empty.

    Case, punctuation, diacritics and the values of numbers make no difference.
    """
    words = _simple(text)
    if len(words) < GRAM:
        return np.empty(0, np.uint32)
    hashed = np.fromiter(map(_hashed, words), np.uint64, len(words))
    count = len(words) - GRAM + 1
    mixed = np.zeros(count, np.uint64)
    for place in range(GRAM):
        mixed = (mixed + hashed[place : place + count]) * _BASE
    mixed ^= mixed >> _FOLD
    mixed *= _BASE
    folded: Hashes = (mixed >> _FOLD).astype(np.uint32)
    return folded


def least(found: Hashes) -> Hashes:
    """Return the least of every permutation over the hashes of a text's 5-grams, shape (112,).

    Args:
        found: Not empty.
    """
    a, b = permutations()
    distinct = np.unique(found).astype(np.uint64)
    lowest = np.full(HASHES, _LOW, np.uint64)
    for start in range(0, len(distinct), _AT_ONCE):
        hashes = a[:, None] * distinct[start : start + _AT_ONCE]
        hashes += b[:, None]
        high = hashes >> _SHIFT
        hashes &= _PRIME
        hashes += high  # now less than 2^61 + 7: at most once too large
        np.subtract(hashes, _PRIME, out=high)
        np.minimum(hashes, high, out=hashes)  # what was small enough wrapped round and became huge
        hashes &= _LOW
        np.minimum(lowest, hashes.min(axis=1), out=lowest)
    return lowest.astype(np.uint32)


def similarity(one: bytes, other: bytes) -> float:
    """Return the estimated Jaccard similarity of two texts by their signatures, in [0, 1]."""
    return float(np.mean(_read(one) == _read(other)))


def share_a_band(one: bytes, other: bytes) -> bool:
    """Return whether FineWeb would take two texts for near copies of each other."""
    alike = (_read(one) == _read(other)).reshape(BANDS, ROWS)
    return bool(alike.all(axis=1).any())


def matching(similarity: float) -> float:
    """Return the probability that two texts of this Jaccard similarity share a band."""
    return float(1 - (1 - similarity**ROWS) ** BANDS)


@cache
def permutations() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the constants a and b of the permutations, each of shape (112,), both below 2^61 - 1."""
    rng = np.random.RandomState(1)  # its stream is frozen, that of a Generator is not
    a = rng.randint(1, int(_PRIME), HASHES, np.uint64)
    return a, rng.randint(0, int(_PRIME), HASHES, np.uint64)


def _hashed(word: str) -> int:
    return crc32(word.encode("utf-8", "surrogatepass"))


def _read(signature: bytes) -> Hashes:
    return np.frombuffer(signature, "<u4")


def _simple(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation and diacritics, every number 0."""
    simple = text.lower()
    if not simple.isascii():
        simple = "".join(sign for sign in unicodedata.normalize("NFD", simple) if unicodedata.category(sign) != "Mn")
    return _WORD.findall(_NUMBER.sub("0", simple))
