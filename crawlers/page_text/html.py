"""The links, title, language and meta tags of a page.

selectolax reads it, and BeautifulSoup with lxml what selectolax cannot take or finds no link in. html.parser is never
used: it turns `&copy=3` in an address into a sign.
"""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ada_url import join_url
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

MOST = 5 * 1024 * 1024
"""Bytes of a page that are read: what Common Crawl keeps of one since CC-MAIN-2025-13."""
_MOST_LINKS, _LONGEST = 10_000, 8192
_PRESCAN = 1024
_BOM = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_DEEPEST = 5_000
_TAG = re.compile(  # what opens or closes a level: no void element, and none whose end tag may be left out
    r"<(/?)(?!(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr"
    r"|p|li|d[dt]|t[dhr]|thead|tbody|tfoot|option|optgroup|html|head|body)\b)[a-z]",
    re.IGNORECASE,
)
_LINK = re.compile(rb"<(?:a|area)\s", re.IGNORECASE)
_SPACE, _PRIMARY = re.compile(r"\s+"), re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True, slots=True)
class Html:
    """What the tags of a page say.

    Attributes:
        title: White space run together; None when there is none.
        language: Primary tag of the document's `lang`, lower case ("en"); None when it names none.
        links: Addresses its links lead to, absolute, http and https only, each once, in order; none within the page.
        metas: (name, content) of its meta tags, names in lower case.
    """

    title: str | None
    language: str | None
    links: tuple[str, ...]
    metas: tuple[tuple[str, str], ...]


def decoded(body: bytes, content_type: str = "") -> str:
    """Return the text of a page, its first `MOST` bytes: by byte-order mark, header, meta tag, UTF-8, Windows-1252.

    Args:
        body: As it came.
        content_type: Value of the header, "" when there is none.
    """
    body = body[:MOST]
    for mark, marked in _BOM:
        if body.startswith(mark):
            return body[len(mark) :].decode(marked, "replace")
    named = _HEADER_CHARSET.search(content_type)
    within = _CHARSET.search(body[:_PRESCAN])
    for name in (named[1] if named else "", within[1].decode("ascii", "replace") if within else ""):
        if name and (encoding := _encoding(name)):
            return body.decode(encoding, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        cut_off = len(body) == MOST and error.start > MOST - 4
        return body.decode("utf-8" if cut_off else "cp1252", "replace")


def read(text: str, url: str) -> Html:
    """Return what the tags of a page say.

    Args:
        text: Of the page, decoded.
        url: Its address, which relative links are relative to unless the page names another base.
    """
    if _is_too_deep(text):
        return _by_beautifulsoup(text, url)
    try:
        found = _by_selectolax(text, url)
    except (SelectolaxError, UnicodeError, ValueError, MemoryError):
        return _by_beautifulsoup(text, url)
    return found if found.links or not _LINK.search(text.encode("utf-8", "replace")) else _by_beautifulsoup(text, url)


def _by_selectolax(text: str, url: str) -> Html:
    tree = LexborHTMLParser(text)
    root, title = tree.root, tree.css_first("title")
    base = _joined(url, _first(tree.css("base"))) or url
    metas = ((node.attributes.get("name"), node.attributes.get("content")) for node in tree.css("meta"))
    return Html(
        _one_line(title.text() if title else ""),
        _primary(root.attributes.get("lang") if root else None),
        _absolute((node.attributes.get("href") for node in tree.css("a[href], area[href]")), base, url),
        _named(metas),
    )


def _by_beautifulsoup(text: str, url: str) -> Html:
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(text, "lxml")
    for template in soup("template"):
        template.decompose()
    html = soup.find("html")
    base = _joined(url, next((tag.get("href") for tag in soup("base") if tag.get("href") is not None), None)) or url
    return Html(
        _one_line(soup.title.get_text() if soup.title else ""),
        _primary(html.get("lang") if html else None),
        _absolute((tag.get("href") for tag in soup(["a", "area"])), base, url),
        _named((tag.get("name"), tag.get("content")) for tag in soup("meta")),
    )


def _is_too_deep(text: str) -> bool:
    """Whether tags are nested so deep that selectolax, whose time grows with the square of it, would never end."""
    if text.count("<") - text.count("</") < _DEEPEST:
        return False
    depth = 0
    for tag in _TAG.finditer(text):
        depth = max(depth - 1, 0) if tag[1] else depth + 1
        if depth > _DEEPEST:
            return True
    return False


def _first(nodes: Iterable[LexborNode]) -> str | None:
    return next((href for node in nodes if (href := node.attributes.get("href")) is not None), None)


def _named(metas: Iterable[tuple[object, object]]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.strip().lower(), content.strip())
        for name, content in metas
        if isinstance(name, str) and isinstance(content, str)
    )


def _absolute(hrefs: Iterable[object], base: str, url: str) -> tuple[str, ...]:
    """The addresses that links lead to, but those within the page itself."""
    here = url.partition("#")[0]
    joined = (_joined(base, href) for href in dict.fromkeys(hrefs))
    found = dict.fromkeys(link for link in joined if link and link.partition("#")[0] != here)
    return tuple(found)[:_MOST_LINKS]


def _joined(base: str, href: object) -> str | None:
    """An absolute web address, None where it is none."""
    if not isinstance(href, str) or len(href) > _LONGEST:
        return None
    try:
        joined = join_url(base, href)  # as browsers do it: white space around and line breaks within go
    except ValueError:
        return None
    return joined if joined.startswith(("http://", "https://")) else None


def _one_line(text: str) -> str | None:
    return _SPACE.sub(" ", text).strip() or None


def _primary(language: object) -> str | None:
    tag = language.strip().lower().replace("_", "-").partition("-")[0] if isinstance(language, str) else ""
    return tag if _PRIMARY.fullmatch(tag) else None


def _encoding(name: str) -> str | None:
    """Python's name of an encoding that pages are in; the Latin-1 they declare is Windows-1252, as browsers have it."""
    try:
        encoding = codecs.lookup(name).name
    except LookupError:
        return None
    return {"iso8859-1": "cp1252", "ascii": "cp1252", "utf-16": "utf-8", "utf-7": None}.get(encoding, encoding)
