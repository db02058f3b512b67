"""The pages of a site, asked over HTTP at the sandbox and by replies a test decides."""

import gzip
from datetime import date

import pytest

from crawlers.base import Gathered, Service
from crawlers.corpora.own_pages import SOURCE
from crawlers.sandbox.page_texts import KINDS
from geo_flywheel.errors import ConfigError, CrawlError, NoReply, Unreadable
from geo_flywheel.records import Capture, Fact, Listing, PageLink, PageRule, PageText, Permission
from geo_flywheel.simulate.scenery import host, url
from tests.crawlers.corpora.gathering import captured, sandbox, wanted
from tests.crawlers.corpora.open_web import NOW, OpenWeb, asked, at_the_sandbox

_SITE = "https://www.a.example"
_HTML = {"content-type": "text/html", "x-robots-tag": "noai"}


def listed(*places: tuple[str, str]) -> bytes:
    return "".join(
        ["<urlset>", *(f"<url><loc>{at}</loc><lastmod>{day}</lastmod></url>" for at, day in places), "</urlset>"]
    ).encode()


def kinds(came: list[Gathered]) -> list[tuple[str, str]]:
    return [(one.options["kind"], one.options["url"].removeprefix(_SITE)) for one in came]


def read(came: list[Gathered]) -> list[Fact]:
    return [fact for one in came for fact in SOURCE.read(captured("own_pages", one))]


def test_pages_are_found_through_robots_txt_and_indexes_of_sitemaps_the_last_changed_first() -> None:
    index = f"<sitemapindex><sitemap><loc>{_SITE}/2.xml.gz</loc></sitemap></sitemapindex>".encode()
    web = OpenWeb(
        {
            f"{_SITE}/robots.txt": (200, f"Sitemap: {_SITE}/1.xml\nSitemap: {_SITE}/index.xml".encode()),
            f"{_SITE}/1.xml": (200, listed((f"{_SITE}/old", "2024-01-01"), (f"{_SITE}/new", "2026-01-01"))),
            f"{_SITE}/index.xml": (200, index),
            f"{_SITE}/2.xml.gz": (200, gzip.compress(listed((f"{_SITE}/mid", "2025-01-01")))),
        }
    )
    came = asked(SOURCE, web, wanted("www.a.example"))
    assert kinds(came) == [
        ("sitemap", "/1.xml"),
        ("sitemap", "/index.xml"),
        ("sitemap", "/2.xml.gz"),
        ("page", "/new"),
        ("page", "/mid"),
        ("page", "/old"),
    ]
    assert all(request.public for request in web.sent)
    found = {fact.unit: fact.modified_on for fact in read(came) if isinstance(fact, Listing)}
    assert found == {
        f"{_SITE}/old": date(2024, 1, 1),
        f"{_SITE}/new": date(2026, 1, 1),
        f"{_SITE}/mid": date(2025, 1, 1),
    }


def test_without_a_word_of_robots_txt_the_sitemap_is_where_it_usually_is_and_named_pages_come_first() -> None:
    web = OpenWeb({f"{_SITE}/sitemap.xml": (200, listed((f"{_SITE}/x", "2026-01-01"), (f"{_SITE}/y", "2026-01-02")))})
    came = asked(SOURCE, web, wanted("a.example", pages=(f"{_SITE}/x", "https://b.example/no")))
    assert kinds(came) == [("sitemap", "/sitemap.xml"), ("page", "/x"), ("page", "/y")]


def test_no_more_pages_are_fetched_than_wanted_and_none_twice() -> None:
    places = [(f"{_SITE}/{n % 5}?utm_source={n}", "2026-01-01") for n in range(30)]
    web = OpenWeb({f"{_SITE}/sitemap.xml": (200, listed(*places))})
    assert sum(kind == "page" for kind, _ in kinds(asked(SOURCE, web, wanted("www.a.example")))) == 5
    few = Service("own_pages", "", options={"pages": 2})
    assert sum(kind == "page" for kind, _ in kinds(asked(SOURCE, web, wanted("www.a.example"), few))) == 2


@pytest.mark.parametrize("most", [0, -1, "5", True, 1.5])
def test_a_number_of_pages_that_is_none_is_said(most: object) -> None:
    with pytest.raises(ConfigError, match="write pages = 200"):
        asked(SOURCE, OpenWeb({}), wanted("a.example"), Service("own_pages", "", options={"pages": most}))


def test_neither_sitemaps_nor_redirects_lead_to_other_sites() -> None:
    away = "https://evil.example/x"
    web = OpenWeb(
        {
            f"{_SITE}/robots.txt": (200, f"Sitemap: {away}\nSitemap: {_SITE}/s.xml".encode()),
            f"{_SITE}/s.xml": (
                200,
                listed((away, "2026-01-01"), (f"{_SITE}/moved", "2026-01-01"), (f"{_SITE}/out", "2025")),
            ),
            f"{_SITE}/moved": (301, b"", {"location": "/there"}),
            f"{_SITE}/out": (302, b"", {"location": away}),
            f"{_SITE}/there": (200, b"<p>x", _HTML),
        }
    )
    came = asked(SOURCE, web, wanted("www.a.example"))
    assert away not in {request.url for request in web.sent}
    assert kinds(came) == [("sitemap", "/s.xml"), ("page", "/moved"), ("page", "/there"), ("page", "/out")]
    assert [(fact.unit, fact.status) for fact in read(came) if isinstance(fact, PageText)] == [
        (f"{_SITE}/moved", 301),
        (f"{_SITE}/there", 200),
        (f"{_SITE}/out", 302),
    ]
    assert away not in {fact.unit for fact in read(came) if isinstance(fact, Listing)}


def test_sitemaps_in_a_circle_end() -> None:
    index = f"<sitemapindex><sitemap><loc>{_SITE}/sitemap.xml</loc></sitemap></sitemapindex>".encode()
    assert kinds(asked(SOURCE, OpenWeb({f"{_SITE}/sitemap.xml": (200, index)}), wanted("www.a.example"))) == [
        ("sitemap", "/sitemap.xml")
    ]


def test_what_cannot_be_had_is_passed_over_and_nothing_at_all_is_an_error() -> None:
    web = OpenWeb(
        {f"{_SITE}/robots.txt": (200, b""), f"{_SITE}/sitemap.xml": (200, listed((f"{_SITE}/gone", "2026-01-01")))},
        NoReply("nobody"),
    )
    assert kinds(asked(SOURCE, web, wanted("www.a.example"))) == [("sitemap", "/sitemap.xml")]
    with pytest.raises(CrawlError, match="nobody"):
        asked(SOURCE, OpenWeb({}, NoReply("nobody")), wanted("www.a.example"))


def test_what_headers_say_is_kept_with_the_page() -> None:
    web = OpenWeb({f"{_SITE}/x": (200, b"<p>x", _HTML)})
    came = asked(SOURCE, web, wanted("www.a.example", pages=(f"{_SITE}/x",)))
    assert came[-1].options == {"kind": "page", "url": f"{_SITE}/x", **_HTML}
    said = [fact for fact in read(came) if isinstance(fact, Permission) and fact.state == "disallowed"]
    assert [(fact.signal, fact.unit, fact.observed_at) for fact in said] == [("x_robots_tag", f"{_SITE}/x", NOW)]


def test_a_reply_that_is_neither_is_refused() -> None:
    with pytest.raises(Unreadable, match="gather it again"):
        list(SOURCE.read(Capture("own_pages", b"", "x", NOW, 200)))
    options = {"kind": "sitemap", "url": f"{_SITE}/s.xml"}
    with pytest.raises(Unreadable, match="without a page or a sitemap"):
        list(SOURCE.read(Capture("own_pages", b"<html></html>", "x", NOW, 200, options=options)))


def test_the_pages_of_a_site_of_the_sandbox_are_read_whole() -> None:
    market = sandbox(0)
    site = next(number for number in range(market.market.world.sites) if number % 6 == 5)
    pages = [page for page in range(market.market.world.pages) if market.market.site[page] == site]
    addresses = {url(market.market, page): page for page in pages}
    facts = read(at_the_sandbox(market, SOURCE, wanted(host(site))))
    assert {fact.unit for fact in facts if isinstance(fact, Listing)} == set(addresses)
    texts = {fact.unit: fact for fact in facts if isinstance(fact, PageText)}
    assert set(texts) == set(addresses)
    assert all(text.status == 200 and text.language == "en" and text.signature for text in texts.values())
    assert len({text.text_sha256 for text in texts.values()}) == len(pages)
    failed = {(fact.unit, fact.rule) for fact in facts if isinstance(fact, PageRule) and fact.passed is False}
    for address, page in addresses.items():
        kind, mine = KINDS[page % len(KINDS)], {rule for unit, rule in failed if unit == address}
        expected = {"short": "words", "repeating": "duplicate_lines", "code": "curly_brackets", "list": "bullet_lines"}
        assert (expected[kind] in mine) if kind in expected else (mine & set(expected.values()) == set())
    said = {fact.signal for fact in facts if isinstance(fact, Permission) and fact.state == "disallowed"}
    assert said == {"meta_robots", "content_usage"}
    assert {fact.target for fact in facts if isinstance(fact, PageLink)} > set(addresses)
