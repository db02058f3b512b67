import csv
import gzip
import json
import subprocess
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urljoin, urlsplit

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_flywheel import shipped, url_lists, urls
from geo_flywheel.urls import Page, canonical, named_domain, site, site_key
from tests import real_data

GOLDEN = Path(__file__).with_name("urls_golden.jsonl")


class Seal(NamedTuple):
    version: str
    rows: int
    digest: str


def golden() -> tuple[list[Seal], list[list[str]]]:
    """Seals of all versions so far, oldest first, and the rows: why, raw URL, URL, passage, resolved."""
    lines = [json.loads(line) for line in GOLDEN.read_text("utf-8").splitlines()]
    return [Seal(**line) for line in lines if isinstance(line, dict)], [
        line for line in lines if isinstance(line, list)
    ]


def digest(rows: list[list[str]]) -> str:
    """Fingerprint of the outcomes of these rows and of what the lists say, their dates and sources aside."""
    lists = [
        {key: value for key, value in entry.items() if key not in {"source", "vendor", "name"}}
        for name, kinds in {"tracking_parameters": ("prefix", "parameter"), "url_redirects": ("redirect",)}.items()
        for kind in kinds
        for entry in url_lists._toml(name)[kind]
    ]
    return sha256(json.dumps([rows, lists]).encode()).hexdigest()[:16]


# The golden table


@pytest.mark.parametrize(
    ("why", "raw_url", "url", "passage", "resolved"), [pytest.param(*row, id=row[0]) for row in golden()[1]]
)
def test_golden_address(why: str, raw_url: str, url: str, passage: str | None, resolved: bool) -> None:  # noqa: FBT001 - a row of the table
    assert canonical(raw_url) == Page(url, passage, resolved), why


def test_rules_and_lists_change_only_with_the_version() -> None:
    seals, rows = golden()
    last = seals[-1]
    found = Seal(urls.version(), last.rows, digest(rows[: last.rows]))
    assert found == last, (
        "an outcome or a list changed: raise urls.RULES or set a later date in the list, "
        f"and add the line {json.dumps(Seal(urls.version(), len(rows), digest(rows))._asdict())} after the other seals"
    )
    assert len({seal.version for seal in seals}) == len(seals)


def test_version_joins_rules_and_the_younger_date_of_the_lists() -> None:
    rules, dated = urls.version().split("/")
    assert rules == str(urls.RULES)
    assert dated == max(str(url_lists._toml(name)["date"]) for name in ("tracking_parameters", "url_redirects"))


@pytest.mark.parametrize("name", ["tracking_parameters", "url_redirects"])
def test_every_entry_of_a_list_names_its_source(name: str) -> None:
    entries = [entry for value in url_lists._toml(name).values() if isinstance(value, list) for entry in value]
    assert entries
    assert all(entry["source"] and (entry.get("vendor") or entry.get("name")) for entry in entries)


@pytest.mark.parametrize("key", ["names", "hosts"])
def test_no_list_says_a_thing_twice(key: str) -> None:
    text = [
        json.loads(json.dumps(url_lists._toml(name), default=str)) for name in ("tracking_parameters", "url_redirects")
    ]
    said = [
        (item, entry.get("path"))
        for listed in text
        for value in listed.values()
        if isinstance(value, list)
        for entry in value
        for item in entry.get(key, ())
    ]
    assert said
    assert len(set(said)) == len(said)


# Any text

HOSTS = [
    "a.com",
    "A.Com.",
    "www.google.com",
    "google.co.uk",
    "t.co",
    "x.cdn.ampproject.org",
    "bing.com",
    "1.2.3.4",
    "0x1.2",
    "1..",
    "a..b",
    "[::1]",
    "[::1",
    "xn--abc-.com",
    "xn--a",
    "XN--MNCHEN-3ya.de",
    "münchen.de",
    "ß.de",
    "a\u00ad.com",
    "a。com",
    "%61.com",
    "..",
    "foo.1.",
    "\u0660.com",
    "u:p@a.com",
    "localhost",
    "duckduckgo.com",
]
PIECES = [
    ":80",
    ":443",
    "/url?q=",
    "/amp/s/",
    "/c/s/",
    "/ck/a?u=a1",
    "/l/?uddg=",
    "/",
    "?",
    "#",
    "#!",
    "#:~:text=",
    "&",
    "=",
    "%",
    "%2",
    "%2e",
    "%2E",
    "%7e",
    "%zz",
    "%E9",
    "%25",
    "%32",
    "..",
    ".",
    "//",
    "\\",
    "é",
    "\u3000",
    "\ud800",
    " ",
    "\t",
    "\n",
    "utm_source=1",
    "gclid=2",
    "a",
    "E",
    "'",
    '"',
    "|",
    ":~:text=",
    ",",
    "-",
    "@",
    ";",
    "+",
    "\x00",
    "aHR0cHM6Ly9hLmNvbS94",
    "https://",
    "a.com",
]

any_text = st.text(st.characters(exclude_categories=()))
url_shaped = st.builds(
    lambda scheme, host, pieces: scheme + host + "".join(pieces),
    st.sampled_from(["http://", "https://", "HTTP://", "http:", "https:\\\\", " h\tttp://", "ftp://", "//", ""]),
    st.sampled_from(HOSTS),
    st.lists(st.sampled_from(PIECES) | st.characters(), max_size=9),
)
wrapped = st.recursive(
    url_shaped,
    lambda inner: st.builds(
        lambda before, url, escape: before + (quote(url.encode("utf-8", "surrogatepass"), safe="") if escape else url),
        st.sampled_from(
            [
                "https://www.google.com/url?q=",
                "https://google.com/amp/s/",
                "https://a.cdn.ampproject.org/c/",
                "https://t.co/?u=",
            ]
        ),
        inner,
        st.booleans(),
    ),
    max_leaves=4,
)
texts = any_text | url_shaped | wrapped


@given(texts)
def test_the_canonical_form_of_a_canonical_form_is_itself(text: str) -> None:
    url = canonical(text).url
    assert canonical(url).url == url


@given(texts)
def test_no_text_raises_and_no_url_holds_white_space_or_half_characters(text: str) -> None:
    url = canonical(text).url
    assert url == "".join(url.encode("utf-8").decode("utf-8").split())
    assert isinstance(urls.site(text) + urls.site_key(text), str)
    named_domain(text)


@given(texts)
def test_the_short_way_for_clean_addresses_gives_what_all_the_rules_give(text: str) -> None:
    assert canonical(text) == urls._canonical(text)
    url = canonical(text).url
    assert canonical(url) == urls._canonical(url)


clean_addresses = st.from_regex(urls._CLEAN, fullmatch=True)


@given(clean_addresses)
def test_the_short_way_holds_for_every_address_it_may_take(url: str) -> None:
    assert canonical(url) == urls._canonical(url)


def test_text_longer_than_any_address_comes_back_unparsed() -> None:
    url = "HTTPS://A.com/" + "a" * urls.MAX_LENGTH
    assert canonical(f" {url} x") == Page(f"{url}%20x", None, resolved=True)


def test_redirects_nested_deeper_than_the_bound_stay_whole_and_unresolved() -> None:
    url = "https://a.com/x"
    for _ in range(urls.MAX_REDIRECTS):
        url = f"https://google.com/amp/s/{url.removeprefix('https://')}"
    assert canonical(url) == Page("https://a.com/x", None, resolved=True)
    deeper = f"https://google.com/amp/s/{url.removeprefix('https://')}"
    assert canonical(deeper) == Page(deeper, None, resolved=False)


# Parameters

names = st.text().filter(lambda name: not name.startswith("utm_") and name not in url_lists.tracking().names)
parameters = st.lists(st.tuples(names, st.text()), max_size=5)


def address(pairs: list[tuple[str, str]]) -> str:
    return "https://example.com/a?" + "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs
    )


@given(parameters, parameters)
def test_addresses_that_differ_in_a_parameter_never_merge(
    some: list[tuple[str, str]], others: list[tuple[str, str]]
) -> None:
    assert (canonical(address(some)).url == canonical(address(others)).url) == (some == others)


@given(parameters, st.sampled_from(["utm_source=x", "gclid", "utm_x=", "fbclid=a=b"]), st.integers(0, 5))
def test_a_tracking_parameter_never_parts_addresses(pairs: list[tuple[str, str]], tracking: str, place: int) -> None:
    query = address(pairs).partition("?")[2].split("&")
    query.insert(place, tracking)
    assert canonical("https://example.com/a?" + "&".join(query)) == canonical(address(pairs))


@given(st.text(st.characters(exclude_characters="#", exclude_categories=["Cc", "Cs", "Z"])))
def test_what_the_server_reads_in_a_query_stays(query: str) -> None:
    kept = [
        (name, value)
        for name, value in parse_qsl(query, keep_blank_values=True)
        if not name.startswith("utm_") and name not in url_lists.tracking().names
    ]
    assert parse_qsl(urlsplit(canonical(f"https://example.com/?{query}").url).query, keep_blank_values=True) == kept


# Against implementations of others

segments = st.sampled_from(
    ["a", "B", "..", ".", "...", "é", "%7E", "%41", "x y", "%C3%A9", "~", "%e2%82%ac", "%2E%2e", "-_"]
)


@given(st.lists(segments, max_size=8))
def test_paths_agree_with_the_standard_library(path: list[str]) -> None:
    decoded = "/".join(quote(unquote(segment)) for segment in path)
    assert canonical("https://example.com/" + "/".join(path)).url == urljoin("https://example.com/", f"/{decoded}")


labels = st.text("abcxyz019éßüñлдж日本ÄÖ", min_size=1, max_size=8)


@given(st.lists(labels, min_size=1, max_size=3))
def test_host_names_agree_with_the_idna_package(parts: list[str]) -> None:
    name = ".".join([*parts, "Com"])
    try:
        expected = idna.encode(name, uts46=True, transitional=False).decode()
    except idna.IDNAError:
        return
    assert urls._host(f"http://{name}/") == expected


@cache
def second_opinion() -> Any:
    tldextract = pytest.importorskip("tldextract", reason="tldextract is the second opinion on public suffixes")
    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)


SUFFIXES = [
    "com",
    "co.uk",
    "gov.uk",
    "github.io",
    "blogspot.com",
    "kawasaki.jp",
    "city.kawasaki.jp",
    "ck",
    "www.ck",
    "xn--p1ai",
    "s3.amazonaws.com",
]


@given(st.lists(st.sampled_from(["a", "www", "m", "city", "xn--mnchen-3ya"]), max_size=3), st.sampled_from(SUFFIXES))
def test_sites_agree_with_tldextract(labels: list[str], suffix: str) -> None:
    host = ".".join([*labels, suffix])
    assert site(f"https://{host}/") == (second_opinion().extract_str(host).top_domain_under_public_suffix or host)


# Sites


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://News.BBC.co.uk/x", "bbc.co.uk"),
        ("https://x.blogspot.com/", "x.blogspot.com"),
        ("https://y.x.github.io/", "x.github.io"),
        ("https://blogspot.com/", "blogspot.com"),
        ("https://co.uk/", "co.uk"),
        ("https://sub.market.test/", "market.test"),
        ("https://München.de/", "xn--mnchen-3ya.de"),
        ("https://user@www.example.com.:8080/a?b#c", "example.com"),
        ("http://192.0.2.1:8080/", "192.0.2.1"),
        ("http://[2001:DB8::1]/", "[2001:db8::1]"),
        ("http://localhost/", "localhost"),
        ("www.Example.com", "example.com"),
        ("192.0.2.1", "192.0.2.1"),
        ("no address", ""),
        ("word", ""),
        ("mailto:a@example.com", ""),
        ("/a/b.html", ""),
        ("", ""),
    ],
)
def test_site_is_the_registrable_domain(url: str, expected: str) -> None:
    assert site(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.example.com/", "example.com"),
        ("https://m.example.com/", "example.com"),
        ("https://www.m.example.co.uk/", "example.co.uk"),
        ("https://amp.example.com/", "example.com"),
        ("https://mobile.example.com/", "example.com"),
        ("https://news.example.com/", "news.example.com"),
        ("https://www.news.example.com/", "news.example.com"),
        ("https://en.m.example.org/", "en.m.example.org"),
        ("https://www.com/", "www.com"),
        ("https://m.uk/", "m.uk"),
        ("https://www.m.uk/", "m.uk"),
        ("https://www.gov.uk/", "www.gov.uk"),
        ("https://www.blogspot.com/", "www.blogspot.com"),
        ("https://m.x.blogspot.com/", "x.blogspot.com"),
        ("https://wwwexample.com/", "wwwexample.com"),
        ("http://192.0.2.1/", "192.0.2.1"),
        ("www.example.com", "example.com"),
        ("no address", ""),
    ],
)
def test_site_key_joins_the_doors_of_a_host_and_never_loses_the_site(url: str, expected: str) -> None:
    assert site_key(url) == expected


@given(texts)
def test_a_site_key_belongs_to_the_site(text: str) -> None:
    key = site_key(text)
    assert key == site(text) or key.endswith(f".{site(text)}")
    assert site(f"http://{key}/" if key else "") == site(text)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("a.test", "a.test"),
        ("Booking.com", "booking.com"),
        (" www.bbc.co.uk ", "www.bbc.co.uk"),
        ("München.de", "xn--mnchen-3ya.de"),
        ("blogspot.com", "blogspot.com"),
        ("Node.js", None),
        ("co.uk", None),
        ("com", None),
        ("192.0.2.1", None),
        ("Best CRM of 2026 | example.com", None),
        ("example.com/page", None),
        ("https://example.com", None),
        ("", None),
        (None, None),
    ],
)
def test_a_title_names_a_domain_only_when_it_is_one(title: str | None, expected: str | None) -> None:
    assert named_domain(title) == expected


# The house


def test_importing_urls_brings_nothing_heavy() -> None:
    heavy = {"pandas", "numpy", "duckdb", "httpx", "networkx", "requests", "pyarrow", "scipy"}
    script = "import sys, geo_flywheel.urls; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=shipped._PACKAGE.parent
    )
    assert not heavy & set(loaded.stdout.split())


@pytest.mark.parametrize("name", ["ai_search_benchmark_2024", "longitudinal_news"])
def test_addresses_recorded_in_the_wild_have_the_host_recorded_beside_them(name: str) -> None:
    with gzip.open(real_data.folder(name) / "citations.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = {(row["url"], row["host"]) for row in csv.DictReader(file)}
    assert rows
    for url, host in rows:
        page = canonical(url)
        assert canonical(page.url).url == page.url
        assert urls._host(page.url) == urls._host(host) or not page.resolved
        assert site(url) == site(host)
