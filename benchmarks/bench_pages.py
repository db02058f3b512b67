"""Pages: links and title, training-filter features, and MinHash, beside BeautifulSoup with lxml in the same run.

    pytest -m bench -s benchmarks/bench_pages.py

Pages and documents are made up: pages of 250 KB with some 650 links, documents of 1,000 words of which no two are
alike. The limits are held against seconds of the processor, which a free core takes whatever else the machine does;
those of the wall stand beside them.
"""

import random
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from math import inf
from multiprocessing import get_context
from time import perf_counter, process_time
from typing import NamedTuple

import pytest
from bs4 import BeautifulSoup

from benchmarks.side_by_side import Limit, Round, fail_on_missed, judge
from crawlers.page_text import html, minhash
from crawlers.page_text.filters import judged
from crawlers.page_text.words import words

PAGES, PAGE_BYTES, PEER_PAGES = 100, 250_000, 5
FEATURED, DOCUMENTS, WORDS, CORES = 20, 100_000, 1_000, 2
HERE = "https://a.example/here/"
LIMITS = {
    "links and title of 100 pages of 250 KB": Limit(1, "s"),
    "the same by the wall": Limit(inf, "s"),
    "the same as a share of BeautifulSoup with lxml": Limit(1 / 15),
    "training-filter features of 20 documents": Limit(1, "s"),
    "the same, by the wall": Limit(inf, "s"),
}
SIGNED = {
    "MinHash of 100,000 documents, the busier of 2 cores": Limit(120, "s"),
    "the same by the wall": Limit(inf, "s"),
}


class Spent(NamedTuple):
    """Seconds of a piece of work."""

    wall: float
    processor: float


def spent(work: Callable[[], object]) -> Spent:
    """Return the seconds that a piece of work takes in this process."""
    before, busy = perf_counter(), process_time()
    work()
    return Spent(perf_counter() - before, process_time() - busy)


@lru_cache(maxsize=1)
def paragraphs() -> list[str]:
    """1,000 paragraphs of 100 words, from which documents are put together."""
    draw = random.Random(5)
    known = ["".join(draw.choices("etaoinshrdlcumwfgypbvk", k=draw.randrange(2, 10))) for _ in range(20_000)]
    common = ["the", "of", "and", "to", "a", "in", "that", "is", "was", "with", "be", "have"]
    return [
        f"{' '.join(draw.choice(common) if draw.random() < 0.4 else draw.choice(known) for _ in range(WORDS // 10))}."
        for _ in range(1_000)
    ]


def documents(first: int, count: int) -> list[str]:
    """Documents of 1,000 words, ten paragraphs each, by their numbers."""
    return ["\n".join(random.Random(number).choices(paragraphs(), k=10)) for number in range(first, first + count)]


def page(number: int, size: int = PAGE_BYTES) -> str:
    """A page with a link in every block."""
    draw = random.Random(number)
    blocks, length = ["<!doctype html><html lang=en><head><title>Page</title></head><body>"], 0
    while length < size:
        said = draw.choice(paragraphs())[:280]
        href = f"/x/{draw.randrange(10**6)}?a=1&amp;b={length}"
        blocks.append(f'<div class="row"><h3>{said[:20]}</h3><p>{said} <a href="{href}">more</a></p></div>\n')
        length += len(blocks[-1])
    return "".join(blocks)


def by_peer(text: str) -> tuple[str, list[str]]:
    """Title and links as BeautifulSoup finds them, not even made absolute."""
    soup = BeautifulSoup(text, "lxml")
    return soup.title.get_text() if soup.title else "", [str(tag["href"]) for tag in soup("a", href=True)]


def reading(pages: list[str], featured: list[str]) -> Round:
    """One round of links, title and features."""
    ours = spent(lambda: [html.read(text, HERE) for text in pages])
    few = pages[:PEER_PAGES]
    share = ours.processor / len(pages) / (spent(lambda: [by_peer(text) for text in few]).processor / len(few))
    features = spent(lambda: [judged(text, words(text)) for text in featured])
    found = (ours.processor, ours.wall, share, features.processor, features.wall)
    return dict(zip(LIMITS, found, strict=True))


def sign(first: int, count: int) -> Spent:
    """Seconds that signatures of documents take, without those of making the documents."""
    took = []
    for start in range(first, first + count, 500):
        texts = documents(start, min(500, first + count - start))
        took.append(spent(partial(list, map(minhash.signature, texts))))
    return Spent(sum(each.wall for each in took), sum(each.processor for each in took))


def signing(count: int) -> Round:
    """One round of MinHash on every core."""
    share = count // CORES
    with ProcessPoolExecutor(CORES, get_context("spawn")) as cores:
        took = list(cores.map(sign, range(0, count, share), [share] * CORES))
    return dict(zip(SIGNED, (max(each.processor for each in took), max(each.wall for each in took)), strict=True))


@pytest.mark.bench
def test_links_and_features() -> None:
    pages, featured = [page(number) for number in range(PAGES)], documents(0, FEATURED)
    assert len(html.read(pages[0], HERE).links) == len(by_peer(pages[0])[1])
    print()
    fail_on_missed(judge(LIMITS, lambda: reading(pages, featured), 5))


@pytest.mark.bench
def test_minhash() -> None:
    assert len(set(documents(0, 1_000))) == 1_000
    print()
    fail_on_missed(judge(SIGNED, lambda: signing(DOCUMENTS), 1))
