"""The benchmark of pages on a small size, so that it still runs when it is needed."""

from benchmarks import bench_pages
from crawlers.page_text import html


def test_pages_are_of_their_size_and_ours_and_the_peer_find_the_same_links() -> None:
    page = bench_pages.page(1, 20_000)
    title, hrefs = bench_pages.by_peer(page)
    found = html.read(page, bench_pages.HERE)
    assert 20_000 <= len(page) < 21_000
    assert (found.title, len(found.links)) == (title, len(set(hrefs)))


def test_links_and_features_are_measured() -> None:
    found = bench_pages.reading([bench_pages.page(1, 5_000)] * 2, bench_pages.documents(0, 2))
    assert found.keys() == bench_pages.LIMITS.keys()
    assert min(found.values()) > 0


def test_documents_have_a_thousand_words_and_are_signed_on_every_core() -> None:
    (document,) = bench_pages.documents(7, 1)
    assert len(document.split()) == 1_000
    assert min(bench_pages.signing(4).values()) > 0
