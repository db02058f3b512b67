"""URL identity beside the libraries people use for it, on the same addresses in the same run.

pytest -m bench -s benchmarks/bench_url_peers.py
"""

import pytest

from benchmarks.bench_urls import addresses, per_second
from geo_flywheel.urls import canonical


@pytest.mark.bench
def test_canonical_is_no_slower_than_any_peer() -> None:
    courlan = pytest.importorskip("courlan", reason="the peers lie in requirements-bench.lock: run make bench")
    url_normalize = pytest.importorskip("url_normalize", reason="as courlan")
    w3lib_url = pytest.importorskip("w3lib.url", reason="as courlan")
    some = addresses()[:20_000]
    ours = per_second(canonical, some)
    peers = {
        "courlan.clean_url": per_second(courlan.clean_url, some),
        "url_normalize": per_second(url_normalize.url_normalize, some),
        "w3lib.canonicalize_url": per_second(w3lib_url.canonicalize_url, some),
    }
    print(f"\ncanonical: {ours:,.0f} addresses/s")
    for name, rate in peers.items():
        print(f"{name}: {rate:,.0f} addresses/s; canonical is {ours / rate:.1f} times as fast")
    assert ours >= max(peers.values())
