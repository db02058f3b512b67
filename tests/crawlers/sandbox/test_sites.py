"""The sites of a market: what they permit, what their pages say, and where they list them."""

import gzip
import re

import pytest

from crawlers.page_text.extraction import extracted
from crawlers.sandbox import page_texts, site_files
from crawlers.sandbox.sites import Sites
from geo_flywheel.simulate.history import Plan
from geo_flywheel.simulate.market import Market, World
from geo_flywheel.simulate.scenery import host, path, url

_MARKET = Market(World(pages=48, sites=12, topics=2, prompts_per_topic=2, weeks=6, burn_in=3), 3)


def text(where: str, site: int = 0, sites: Sites | None = None) -> str:
    return (sites or Sites(_MARKET)).get(host(site), where).body.decode()


@pytest.mark.parametrize(
    ("site", "said"),
    [
        (0, "User-agent: *\nAllow: /\n"),
        (1, "User-agent: GPTBot\n"),
        (2, "Content-Signal: search=yes,ai-input=yes,ai-train=no,use=reference\nContent-Usage: train-ai=n"),
        (3, "Disallow: /private/\nDisallow: /*.pdf$"),
    ],
)
def test_sites_speak_in_robots_txt_in_ways_of_their_own(site: int, said: str) -> None:
    assert said in text("/robots.txt", site)
    assert f"Sitemap: https://{host(site)}/sitemap.xml" in text("/robots.txt", site)


def test_what_other_files_headers_and_meta_tags_say_lies_where_it_belongs() -> None:
    sites = Sites(_MARKET)
    assert b'"tdm-reservation":1' in sites.get(host(4), "/.well-known/tdmrep.json").body
    assert sites.get(host(5), "/ai.txt").body.startswith(b"User-Agent: *\nDisallow: /")
    assert [sites.get(host(0), where).status for where in ("/ai.txt", "/llms.txt")] == [404, 404]
    page = next(number for number in range(48) if _MARKET.site[number] == 3)
    assert ("x-robots-tag", "noai, noimageai") in sites.get(host(3), path(_MARKET, page)).headers
    metas = {site_files.metas(site, page) for site in (4, 5) for page in range(3)}
    assert metas == {
        "",
        '<meta name="tdm-reservation" content="0">',
        '<meta name="robots" content="noindex, noai">',
        '<meta name="robots" content="noai">',
    }


def test_a_site_that_closes_shuts_ai_crawlers_out_from_its_week_on() -> None:
    market = Market(World(pages=48, sites=12, topics=2, weeks=6, burn_in=3, plan=Plan(closing=0.5)), 3)
    page = next(number for number in range(48) if 0 < market.history.closed[number] < 6)
    site, closes = int(market.site[page]), int(market.history.closed[page])
    before, after = (text("/robots.txt", site, Sites(market, lambda week=week: week)) for week in (closes - 1, closes))  # type: ignore[misc]
    assert "OAI-SearchBot" not in before
    assert "User-agent: OAI-SearchBot\n" in after
    assert "\nUser-agent: *\nAllow: /" in after


def test_sitemaps_say_when_pages_were_changed_and_an_index_leads_to_a_packed_one() -> None:
    sites = Sites(_MARKET)
    assert re.search(r"<lastmod>2025-\d\d-\d\d</lastmod>", text("/sitemap.xml"))
    assert f"https://{host(1)}/sitemap-pages.xml.gz" in text("/sitemap-index.xml", 1)
    packed = sites.get(host(1), "/sitemap-pages.xml.gz").body
    assert gzip.decompress(packed).decode() == text("/sitemap.xml", 1)


def test_every_page_says_the_same_every_time_and_no_two_say_the_same() -> None:
    sites = Sites(_MARKET)
    said = [sites.get(host(int(_MARKET.site[page])), path(_MARKET, page)).body for page in range(48)]
    again = [Sites(_MARKET).get(host(int(_MARKET.site[page])), path(_MARKET, page)).body for page in range(48)]
    assert said == again
    assert len({extracted(page.decode()) for page in said}) == 48
    assert url(_MARKET, 0).startswith("https://www.")


def test_prose_is_long_and_short_pages_are_short() -> None:
    def lengths(kind: str) -> list[int]:
        pages = [page for page in range(80) if page_texts.KINDS[page % len(page_texts.KINDS)] == kind]
        return [len(" ".join(page_texts.paragraphs(page, "x")).split()) for page in pages]

    assert max(lengths("short")) < 50
    assert min(lengths("prose")) > 200
