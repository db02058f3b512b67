"""A saved Google results page with an AI Overview, or a saved page of AI Mode: HTML as the browser drew it, or MHTML.

The sources are no links: they stand as JSON in comments, `[[id, [title, snippet, icon, domain, [publisher], url, …]]]`,
which are found by their shape, because names of classes change. A source whose comment stands within the overview's own
text, or which that text links to, is cited; one that stands elsewhere was retrieved, and so is every one where the text
itself cannot be told from the panel beside it. A page that shows no overview gives an answer of status `not_shown`: its
words for "not available" are on every page and prove nothing. The question is that of the page; when it was saved a
person says: `--set asked_at=2026-03-02T10:00Z`.
"""

import email
import email.policy
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import orjson

from crawlers.base import DroppedFile, Import
from crawlers.dropped.files import opened
from crawlers.reading.citing import Citing, retrievals
from crawlers.reading.lenient import moment, sequence, text
from crawlers.reading.wire import MAX_BODY
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Fact, Prompt, Status

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

OVERVIEW, MODE = "google_ai_overview", "google_ai_mode"
PROVIDER, SURFACE = "google_page", "ui_export"
_COMMENT = re.compile(r"^\s*(?:TgQPHd|Sv6Kpe)\s*\|?\s*(\[.*\])\s*$", re.DOTALL)
_ESCAPED = re.compile(r"\\x([0-9a-fA-F]{2})")
_MHTML = re.compile(rb"^(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*?content-type:\s*multipart/related", re.IGNORECASE)
_GOOGLE = re.compile(rb"google\.[a-z.]{2,8}/|<title>[^<]{0,300}(?:Google|- Google)|TgQPHd|Sv6Kpe", re.IGNORECASE)
_TITLE = re.compile(r"^(.*?)\s+[-\u2013]\s+(?:Google\b.*|.*\bGoogle)$", re.DOTALL)
_LEAST_FIELDS = 6
_URL_FIELD = 5
_MOST_SOURCES = 200
_TEXT = "div.mZJni"  # what holds the text of an overview, in 2026
_LEAST_WORDS = 20


class _Source(NamedTuple):
    """A page that a comment tells of.

    Attributes:
        inside: Whether the comment stands within the text of the overview.
    """

    url: str
    title: str
    inside: bool


def refuse(file: DroppedFile) -> str | None:
    """Return None for a results page of Google; else what it lacks."""
    start = file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start.startswith(b"<") and not _MHTML.match(start):
        return "neither HTML nor MHTML"
    return None if _GOOGLE.search(file.head) else "no results page of Google"


def read(file: DroppedFile) -> Iterator[Fact]:
    """Yield the one answer of the page.

    Raises:
        Unreadable: If it is too large, damaged, or does not say what was asked.
    """
    page = _page(file)
    asked = file.options.get("set.prompt") or _question(page)
    if not asked:
        raise Unreadable(f"{file.name}: does not say what was asked; say it: --set prompt=…")
    sources = list(_sources(page))
    body = _body(page)
    yield _answer(file, page, asked, sources, _words(body) if body is not None and sources else "")


IMPORT = Import("a saved Google page with an AI Overview, or of AI Mode: HTML or MHTML", refuse, read)


def _answer(file: DroppedFile, page: "BeautifulSoup", asked: str, sources: list[_Source], said: str) -> Answer:
    asked_at = moment(file.options.get("set.asked_at"))
    if asked_at is None and "set.asked_at" in file.options:
        raise Unreadable(f"{file.name}: --set asked_at={file.options['set.asked_at']}: neither a date nor a time")
    citing = Citing(said)
    for source in sources:
        if source.inside:
            citing.cite(source.url, source.title or None)
    identity = sha256(repr((asked, said, sources, str(asked_at))).encode("utf-8", "replace")).hexdigest()[:32]
    return Answer(
        provider=PROVIDER,
        engine=MODE if _is_mode(page) else OVERVIEW,
        surface=SURFACE,
        status=Status.GROUNDED if sources else Status.NOT_SHOWN,
        text=said,
        citations=citing.citations(),
        retrievals=retrievals((source.url, source.title or None, None) for source in sources),
        asked_at=asked_at,
        ask=Ask(Prompt(asked)),
        id=f"{PROVIDER}:{identity}",
    )


def _page(file: DroppedFile) -> "BeautifulSoup":
    from bs4 import BeautifulSoup

    with opened(file) as stream:
        raw = stream.read(MAX_BODY + 1)
    if len(raw) > MAX_BODY:
        raise Unreadable(f"{file.name}: more than the {MAX_BODY:,} bytes a page may have; is this the right file?")
    start = raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    html = start if start.startswith(b"<") else _html_of(start, file.name)
    return BeautifulSoup(html, "lxml", from_encoding="utf-8")  # tried first; else what the page declares, then guesses


def _html_of(raw: bytes, name: str) -> bytes:
    """The first HTML part of an MHTML file."""
    parts = email.message_from_bytes(raw, policy=email.policy.default)
    for part in parts.walk():
        if part.get_content_type() == "text/html":
            found = part.get_payload(decode=True)
            if isinstance(found, bytes):
                return found
    raise Unreadable(f"{name}: MHTML without a page in it; save the page again")


def _question(page: "BeautifulSoup") -> str:
    """What was asked: what stands in the box, in the address the page names as its own, or in its title."""
    for box in page.select('textarea[name="q"], input[name="q"]'):
        said = str(box.get("value") or box.get_text()).strip()
        if said:
            return said
    for link in page.select('link[rel~="canonical"], base[href], meta[property="og:url"]'):
        query = parse_qs(urlsplit(str(link.get("href") or link.get("content") or "")).query)
        if query.get("q"):
            return query["q"][0].strip()
    titled = _TITLE.match(page.title.get_text().strip()) if page.title else None
    return titled[1].strip() if titled else ""


def _is_mode(page: "BeautifulSoup") -> bool:
    """Whether the page is of AI Mode, whose address says udm=50."""
    tags = page.select("link[href], base[href], meta[content]")
    named = any("udm=50" in str(tag.get("href") or tag.get("content")) for tag in tags)
    return named or bool(page.select('input[name="udm"][value="50"]'))


def _sources(page: "BeautifulSoup") -> Iterator[_Source]:
    from bs4 import Comment

    body, known = page.select_one(_TEXT), set[tuple[str, bool]]()
    linked = {str(link["href"]) for link in body.select("a[href]")} if body is not None else set()
    for comment in page.find_all(string=lambda told: isinstance(told, Comment)):
        inside = body is not None and body in comment.parents
        for url, title in _told(str(comment)):
            source = _Source(url, title, inside or url in linked)
            if (url, source.inside) not in known and len(known) < _MOST_SOURCES:
                known.add((url, source.inside))
                yield source


def _told(comment: str) -> Iterator[tuple[str, str]]:
    """Addresses and titles in a comment, whatever its key."""
    found = _COMMENT.match(comment)
    if found is None:
        return
    try:
        entries = orjson.loads(_ESCAPED.sub(lambda sign: chr(int(sign[1], 16)), found[1]))
    except orjson.JSONDecodeError:
        return
    for entry in sequence(entries):
        match entry:
            case [str(), [*fields], *_] if len(fields) >= _LEAST_FIELDS and _is_address(fields[_URL_FIELD]):
                yield fields[_URL_FIELD], text(fields[0])
            case [str(), str(), int(), address, *_] if _is_address(address):
                yield str(address), ""


def _is_address(told: Any) -> bool:
    return isinstance(told, str) and told.startswith(("http://", "https://"))


def _body(page: "BeautifulSoup") -> "Tag | None":
    """What holds the overview's text: by its class while that lasts, else the smallest element around its sources."""
    named = page.select_one(_TEXT)
    if named is not None:
        return named
    from bs4 import Comment

    for comment in page.find_all(string=lambda told: isinstance(told, Comment)):
        if any(True for _ in _told(str(comment))):
            for parent in comment.parents:
                if parent.name in {"body", "html", "[document]"}:
                    break
                if len(_words(parent).split()) >= _LEAST_WORDS:
                    return parent
    return None


def _words(element: "Tag") -> str:
    """The words that are shown: no scripts, no styles."""
    for unseen in element.select("script, style, noscript, template"):
        unseen.extract()
    return " ".join(element.get_text(" ").split())
