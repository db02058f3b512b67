"""URL identity: addresses per second on one core, beside the bare parser underneath (ada-url) in the same run.

pytest -m bench -s benchmarks/bench_urls.py
"""

import random
from collections.abc import Callable
from time import perf_counter

import pytest
from ada_url import normalize_url

from geo_flywheel import urls

ADDRESSES = 300_000
FLOOR = 100_000  # addresses per second

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
    floor = per_second(normalize_url, items)
    found = {
        "canonical": per_second(urls.canonical, items),
        "site of the page": per_second(urls.site, pages),
        "site_key of the page": per_second(urls.site_key, pages),
    }
    print(f"\nada-url alone{'':12} {floor:>12,.0f}/s")
    for name, speed in found.items():
        print(f"{name:25} {speed:>12,.0f}/s  {speed / floor:.2f} of ada-url alone")
    assert found["canonical"] >= FLOOR
    assert found["site of the page"] >= FLOOR
