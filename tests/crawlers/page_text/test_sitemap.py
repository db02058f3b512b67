import gzip
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.page_text import sitemap
from crawlers.page_text.sitemap import Listed, Sitemap, read
from geo_flywheel.errors import Unreadable

_NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def urls(*places: str, lastmod: str = "") -> bytes:
    day = f"<lastmod>{lastmod}</lastmod>" if lastmod else ""
    listed = "".join(f"<url><loc> {place} </loc>{day}<priority>1</priority></url>" for place in places)
    return f'<?xml version="1.0" encoding="UTF-8"?><urlset {_NS}>{listed}</urlset>'.encode()


def test_pages_are_listed_in_order_with_their_days() -> None:
    found = read(urls("https://a.example/1", "https://a.example/?a=1&amp;b=2", lastmod="2026-03-01"), "s")
    assert found == Sitemap(
        (Listed("https://a.example/1", date(2026, 3, 1)), Listed("https://a.example/?a=1&b=2", date(2026, 3, 1))), ()
    )


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-03-01", date(2026, 3, 1)),
        ("2026-03-01T23:30:00-02:00", date(2026, 3, 2)),
        ("2026-03-01T23:30Z", date(2026, 3, 1)),
        ("2026-03", None),
        ("2026", None),
        ("yesterday", None),
        ("2026-02-30", None),
        ("0001-01-01T00:00+23:00", None),
    ],
)
def test_a_day_is_that_in_utc_and_only_one_that_is_written(written: str, day: date | None) -> None:
    assert read(urls("https://a.example/", lastmod=written), "s").pages[0].modified_on == day


def test_an_index_lists_further_sitemaps() -> None:
    index = f"<sitemapindex {_NS}><sitemap><loc>https://a.example/1.xml.gz</loc></sitemap></sitemapindex>"
    assert read(index.encode(), "s") == Sitemap((), (Listed("https://a.example/1.xml.gz", None),))


def test_it_may_be_packed_or_plain_text_or_without_a_name_space() -> None:
    plain = Sitemap((Listed("https://a.example/1", None),), ())
    assert read(gzip.compress(urls("https://a.example/1")), "s") == plain
    assert read(b"\xef\xbb\xbfhttps://a.example/1\r\nno address\r\n", "s") == plain
    assert read(b"<urlset><url><loc>https://a.example/1</loc></url></urlset>", "s") == plain


def test_an_empty_sitemap_is_one() -> None:
    assert read(urls(), "s") == Sitemap((), ())


def test_what_came_before_the_damage_counts() -> None:
    assert read(urls("https://a.example/1", "https://a.example/2")[:-20], "s").pages


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no address in it"),
        (b"Not found", "no address in it"),
        (b"<!doctype html><html><body>Not found</body></html>", "document type"),
        (b"<html><body>Not found</body></html>", "without a page or a sitemap"),
        (b"<urlset", "no XML"),
        (b"\x1f\x8b garbage", "cannot be unpacked"),
    ],
)
def test_what_is_no_sitemap_is_refused_with_the_reason(body: bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=f"https://a.example/s.xml: .*{says}"):
        read(body, "https://a.example/s.xml")


def test_entities_are_never_resolved() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE u [<!ENTITY a "aaaa"><!ENTITY f SYSTEM "file:///etc/hostname">]>'
    with pytest.raises(Unreadable, match="document type"):
        read(bomb + b"<urlset><url><loc>https://a.example/&f;</loc></url></urlset>", "s")
    late = (
        b"<?xml version='1.0'?>"
        + b" " * 5_000
        + bomb[21:]
        + b"<urlset><url><loc>https://a.example/&f;</loc></url></urlset>"
    )
    try:
        found = read(late, "s").pages
    except Unreadable:
        return
    assert all(listed.address == "https://a.example/" for listed in found)


def test_a_bomb_is_left_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "MOST", 10_000)
    with pytest.raises(Unreadable, match="larger than the 10,000 bytes"):
        read(gzip.compress(urls("https://a.example/" + "x" * 20_000)), "s")


def test_no_more_is_read_than_one_may_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "MOST_ENTRIES", 3)
    assert len(read(urls(*(f"https://a.example/{n}" for n in range(9))), "s").pages) == 3
    assert len(read("\n".join(f"https://a.example/{n}" for n in range(9)).encode(), "s").pages) == 3


@pytest.mark.parametrize("place", ["ftp://a.example/", "/relative", "javascript:1", "https://a.example/" + "x" * 3_000])
def test_what_is_no_address_of_a_page_is_passed_over(place: str) -> None:
    assert read(urls(place, "https://a.example/1"), "s").pages == (Listed("https://a.example/1", None),)


@given(st.binary(max_size=200))
def test_every_body_is_read_or_refused(body: bytes) -> None:
    with suppress(Unreadable):
        assert isinstance(read(body, "s"), Sitemap)
