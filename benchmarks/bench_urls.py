"""URL identity on one core, beside the bare parser underneath (ada-url) in the same run.

pytest -m bench -s benchmarks/bench_urls.py
"""

import random
from collections.abc import Callable
from time import perf_counter

import pytest
from ada_url import normalize_url

from benchmarks.side_by_side import Limit, Round, fail_on_missed, judge
from geo_flywheel import urls

ADDRESSES = 300_000
LIMITS = {"canonical / ada-url alone": Limit(4), "site of the page / ada-url": Limit(2), "site_key / ada-url": Limit(2)}
ROUNDS = 3

QUERIES = [
    "",
    "",
    "",
    "",
    "?id=12",
    "?p=3&lang=en",
    "?utm_source=chatgpt.com",
    "?q=a%20b&utm_medium=x",
    "?srsltid=AfmBO&v=1",
]
PATHS = [
    "/{}",
    "/2025/11/{}/",
    "/news/{}.html",
    "/wiki/Moon_({})",
    "/a/%C3%A9t%c3%a9-{}",
    "/Straße/{}",
    "/x/../{}#section",
]
WRAPPERS = ["https://www.google.com/url?q={}&sa=U", "https://x.cdn.ampproject.org/c/{}", "https://t.co/{}"]


def addresses(count: int = ADDRESSES) -> list[str]:
    """Distinct addresses on 90,000 hosts: half clean, the others with tracking, escapes or fragments, 1% redirects."""
    chance = random.Random(7)
    made = []
    for n in range(count):
        scheme, door = chance.choice(["https://", "https://", "http://"]), chance.choice(["", "www.", "News."])
        path = chance.choice(PATHS[:3] if chance.random() < 0.7 else PATHS).format(n)
        url = f"{scheme}{door}site{chance.randrange(10_000)}.{chance.choice(['com', 'co.uk', 'org'])}{path}"
        made.append(chance.choice(WRAPPERS).format(url) if chance.random() < 0.01 else url + chance.choice(QUERIES))
    return made


def per_second(work: Callable[[str], object], items: list[str]) -> float:
    """Best of three rounds."""
    times = []
    for _ in range(3):
        start = perf_counter()
        for item in items:
            work(item)
        times.append(perf_counter() - start)
    return len(items) / min(times)


@pytest.mark.bench
def test_identity_of_300_000_addresses() -> None:
    items = addresses()
    assert len(set(items)) == ADDRESSES
    pages = [urls.canonical(item).url for item in items]

    def once() -> Round:
        floor = per_second(normalize_url, items)
        found = [per_second(urls.canonical, items), per_second(urls.site, pages), per_second(urls.site_key, pages)]
        print(f"\n  ada-url {floor:,.0f}/s; ours {', '.join(f'{speed:,.0f}/s' for speed in found)}")
        return dict(zip(LIMITS, (floor / speed for speed in found), strict=True))

    fail_on_missed(judge(LIMITS, once, ROUNDS))
