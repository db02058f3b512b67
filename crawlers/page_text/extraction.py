"""The text a corpus would take from a page: trafilatura, set as FineWeb set it (precision first, no comments)."""

import logging

from trafilatura import extract
from trafilatura.deduplication import LRUCache

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # what it cannot read is no text, and told as that

MOST_CHARACTERS = 1_000_000
_MOST_SEGMENTS = 4096


def extracted(html: str) -> str:
    """Return the main text of a page, a paragraph a line; "" when there is none.

    A long paragraph that the page repeats over and over is left out from its fourth time on. What other pages said
    makes no difference, so that the same bytes always give the same text.

    Args:
        html: Of the page, decoded; beyond its first `MOST_CHARACTERS` it is not read.
    """
    seen = LRUCache(maxsize=_MOST_SEGMENTS)
    return extract(html[:MOST_CHARACTERS], favor_precision=True, include_comments=False, deduplicate=seen) or ""
