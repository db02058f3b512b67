"""Links and titles; where the snippets lead was read by html5lib 1.1, which follows the HTML standard to the letter."""

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from crawlers.page_text import html
from crawlers.page_text.html import Html, decoded, read

HERE = "https://a.example/here"
SNIPPETS = [
    ("entity in an address", '<a href="/x?a=1&copy=3&lt=4">x</a>', ["/x?a=1&copy=3&lt=4"]),
    ("entity written out", '<a href="/x?a=1&amp;b=2">x</a>', ["/x?a=1&b=2"]),
    ("unclosed anchors", "<a href=/one>one<a href=/two>two<p><a href=/three>three", ["/one", "/two", "/three"]),
    ("svg", '<svg><a xlink:href="/svg"><text>x</text></a></svg><a href="/out">y</a>', ["/out"]),
    ("svg with a plain href", '<svg><a href="/svg"><text>x</text></a></svg>', ["/svg"]),
    ("template", '<template><a href="/hidden">x</a></template><a href="/seen">y</a>', ["/seen"]),
    ("template alone", '<template><a href="/hidden">x</a></template>', []),
    ("base", '<base href="/dir/sub/"><a href="page">x</a>', ["/dir/sub/page"]),
    (
        "two bases",
        '<base href="https://b.example/"><base href="https://c.example/"><a href="p">x</a>',
        ["//b.example/p"],
    ),
    (
        "base for targets",
        '<base target="_blank"><base href="https://b.example/z/"><a href="p">x</a>',
        ["//b.example/z/p"],
    ),
    ("3,000 nested divs", "<div>" * 3000 + '<a href="/deep">x</a>', ["/deep"]),
    ("comment", '<!-- <a href="/no">x</a> --><a href="/yes">y</a>', ["/yes"]),
    ("script", '<script>var a = \'<a href="/no">x</a>\';</script><a href="/yes">y</a>', ["/yes"]),
    ("textarea", '<textarea><a href="/no">x</a></textarea><a href="/yes">y</a>', ["/yes"]),
    ("table", '<table><a href="/fostered">x</a><tr><td><a href="/cell">y</a></table>', ["/fostered", "/cell"]),
    ("upper case", '<A HREF="/UP">x</A>', ["/UP"]),
    ("no quotes", "<a href=/bare?x=1>x</a>", ["/bare?x=1"]),
    ("spaces", '<a href="  /spaced \n">x</a>', ["/spaced"]),
    ("line break within", '<a href="/bro\nken">x</a>', ["/broken"]),
    ("within the page", '<a href="">x</a><a href="#top">y</a><a name="z">z</a>', []),
    ("other schemes", '<a href="mailto:a@b.example">m</a><a href="javascript:void(0)">j</a>', []),
    ("area", '<map><area href="/mapped"></map>', ["/mapped"]),
    ("twice", '<a href="/x">1</a><a href="/x">2</a><a href="/y">3</a>', ["/x", "/y"]),
    ("protocol relative", '<a href="//other.example/p">x</a>', ["//other.example/p"]),
    ("two hrefs", '<a href="/first" href="/second">x</a>', ["/first"]),
    ("noscript", '<noscript><a href="/noscript">x</a></noscript>', ["/noscript"]),
]


def absolute(paths: list[str]) -> tuple[str, ...]:
    return tuple(f"https:{path}" if path.startswith("//") else f"https://a.example{path}" for path in paths)


@pytest.mark.parametrize(("snippet", "paths"), [pytest.param(*each, id=name) for name, *each in SNIPPETS])
def test_links_are_those_of_the_html_standard(snippet: str, paths: list[str]) -> None:
    assert read(snippet, HERE).links == absolute(paths)


@pytest.mark.parametrize(("snippet", "paths"), [pytest.param(*each, id=name) for name, *each in SNIPPETS])
def test_what_selectolax_cannot_take_beautifulsoup_reads_to_the_same_links(snippet: str, paths: list[str]) -> None:
    assert html._by_beautifulsoup(snippet, HERE).links == absolute(paths)


_WORD = st.text(alphabet="abcxyz012", min_size=1, max_size=6)
_QUERY = st.lists(st.tuples(_WORD, _WORD), max_size=3).map(
    lambda pairs: "&".join(f"{key}={value}" for key, value in pairs)
)
_HREF = st.builds(lambda path, query: f"/{path}?{query}" if query else f"/{path}", _WORD, _QUERY)
_TREE = st.recursive(
    st.one_of(_WORD, _HREF.map(lambda href: f'<a href="{href}">x</a>')),
    lambda inside: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>",
        st.sampled_from(["div", "section", "ul", "article", "main"]),
        st.lists(inside, max_size=4),
    ),
    max_leaves=20,
)


@given(_TREE, st.text(alphabet="abc &<>\n", max_size=20))
def test_made_pages_give_the_links_and_titles_that_beautifulsoup_with_lxml_finds(body: str, title: str) -> None:
    named = title.replace("&", "&amp;").replace("<", "&lt;")
    page = f"<!doctype html><html><head><title>{named}</title></head><body>{body}</body></html>"
    soup = BeautifulSoup(page, "lxml")
    hrefs = dict.fromkeys(f"https://a.example{tag['href']}" for tag in soup("a"))
    found = read(page, HERE)
    assert found.links == tuple(hrefs)
    assert found.title == (" ".join(title.split()) or None)


@given(st.text(max_size=200))
def test_every_text_is_read(text: str) -> None:
    assert isinstance(read(text, HERE), Html)
    assert isinstance(html._by_beautifulsoup(text, HERE), Html)


def test_title_language_and_meta_tags() -> None:
    page = '<html lang="de-AT"><title> Ein\n Titel </title><meta NAME="Robots" content=" noai "><meta charset="utf-8">'
    assert read(page, HERE) == Html("Ein Titel", "de", (), (("robots", "noai"),))
    assert html._by_beautifulsoup(page, HERE) == read(page, HERE)
    assert read('<html lang="1337"><p>x', HERE).language is None


def test_a_page_nested_deeper_than_can_be_read_in_time_still_gives_its_title() -> None:
    page = f"<title>Deep</title>{'<div>' * 6_000}x"
    assert html._is_too_deep(page)
    assert read(page, HERE).title == "Deep"


def test_closed_and_void_elements_are_no_depth() -> None:
    assert not html._is_too_deep("<div><br><img></div>" * 20_000)
    assert not html._is_too_deep("<p><li><td>" * 20_000)


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("é".encode(), "", "é"),
        ("é".encode("latin-1"), "", "é"),
        ("é".encode("latin-1"), "text/html; charset=ISO-8859-1", "é"),
        ("é".encode("latin-1"), 'text/html; charset="latin1"', "é"),
        ("ж".encode("koi8-r"), "text/html; charset=koi8-r", "ж"),
        (b'<meta charset="koi8-r">' + "ж".encode("koi8-r"), "text/html", '<meta charset="koi8-r">ж'),
        ("é".encode(), "text/html; charset=no-such-thing", "é"),
        (b"\xef\xbb\xbfx", "text/html; charset=koi8-r", "x"),
        ("é".encode("utf-16"), "", "é"),
        (b"\x80", "text/html; charset=iso-8859-1", "€"),
    ],
)
def test_the_encoding_is_the_one_a_browser_takes(body: bytes, content_type: str, text: str) -> None:
    assert decoded(body, content_type) == text


def test_of_a_page_as_much_is_read_as_common_crawl_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MOST", 5)
    assert decoded("aaaaéé".encode()) == "aaaa\ufffd"
