"""The pages of a site: where they are, and what one of them says, from its bytes to facts.

A page is read as a corpus would read it: its tags for links and permissions, trafilatura's text for everything else. An
address that redirects is a page without text; what it leads to is a page of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from urllib.parse import urlsplit

from crawlers.page_text import extraction, html, minhash
from crawlers.page_text.filters import judged
from crawlers.page_text.sentences import distinctive
from crawlers.page_text.words import plain, words
from crawlers.permissions import robots_tags, tdmrep, usage
from crawlers.permissions.said import Said
from geo_flywheel.records import Fact, PageLink, PageRule, PageText, Permission, UnitKind
from geo_flywheel.urls import site

TELLING = ("content-language", "content-type", "content-usage", "tdm-policy", "tdm-reservation", "x-robots-tag")
"""The headers that say something about a page."""
_HTML = frozenset({"", "text/html", "application/xhtml+xml"})


def facts(
    url: str, status: int, headers: Mapping[str, str], body: bytes, now: datetime, agents: Mapping[str, str]
) -> Iterator[Fact]:
    """Yield what a page says: its permissions, and when it is HTML that was there, its text, rules and links.

    Args:
        url: Its address.
        status: Of the reply; only 200 has text.
        headers: Those of `TELLING`, by their lower-case name; the lines of one name are lines of its value.
        body: As it came, without transport encoding.
        now: When it was fetched; naive UTC.
        agents: Tokens of the agents that a signal may name, by their lower-case form.
    """
    is_html = headers.get("content-type", "").partition(";")[0].strip().lower() in _HTML
    if status == HTTPStatus.OK and not is_html:
        yield from _permissions(url, headers, (), now, agents)
        return
    if status != HTTPStatus.OK:
        yield PageText(url, status, None, None, 0, _digest(""), None, now)
        return
    source = html.decoded(body, headers.get("content-type", ""))
    tags = html.read(source, url)
    yield from _permissions(url, headers, tags.metas, now, agents)
    text = extraction.extracted(source)
    tokens = words(text)
    language = tags.language or headers.get("content-language", "").partition("-")[0].strip().lower() or None
    yield PageText(url, status, tags.title, language, len(plain(tokens)), _digest(text), minhash.signature(text), now)
    for rule_set, rule, passed, value, low, high in judged(text, tokens):
        yield PageRule(url, rule_set, rule, passed, value, low, high, now)
    for link in tags.links:
        yield PageLink(url, link, now.date())


def telling(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the headers that say something about a page, by name; the lines of one name are lines of its value."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name in TELLING:
            found[name] = f"{found[name]}\n{value}" if name in found else value
    return found


def passages(headers: Mapping[str, str], body: bytes, count: int) -> tuple[str, ...]:
    """Return the most distinctive sentences of a page, at most `count`, as its extracted text has them."""
    return distinctive(extraction.extracted(html.decoded(body, headers.get("content-type", ""))), count)


def permissions(unit: str, unit_kind: UnitKind, said: Iterable[Said], now: datetime) -> Iterator[Permission]:
    """Yield what signals say as facts about a unit."""
    for signal, agent, purpose, state, value in said:
        yield Permission(signal, unit, unit_kind, agent, purpose, state, value, now)


def hosts(wanted: str, pages: Iterable[str]) -> tuple[str, ...]:
    """Return the hosts of a site: those of its pages, else its name and its name with www.

    Args:
        wanted: A site or a host.
        pages: Addresses that may be of any site.
    """
    if site(wanted) != wanted:
        return (wanted,)
    found = dict.fromkeys(host for page in pages if site(page) == wanted and (host := host_of(page)))
    return tuple(found) or (wanted, f"www.{wanted}")


def host_of(page: str) -> str:
    """Return the host of a page with its port where it names one, lower case; "" of what is no address."""
    try:
        return urlsplit(page).netloc.lower()
    except ValueError:
        return ""


def address(base: str, url: str) -> str:
    """Return where a page is fetched: at its own address, or below a base that stands for the whole web.

    Args:
        base: "" or an address below which each host has a folder, as a sandbox has.
        url: The page's own address.
    """
    if not base:
        return url
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{base.rstrip('/')}/{parts.netloc}{parts.path or '/'}{query}"


def _permissions(
    url: str,
    headers: Mapping[str, str],
    metas: Iterable[tuple[str, str]],
    now: datetime,
    agents: Mapping[str, str],
) -> Iterator[Permission]:
    pairs = [(name, line) for name, value in headers.items() for line in value.split("\n")]
    tags = list(metas)
    said = [
        *robots_tags.of_headers(pairs, agents, now),
        *robots_tags.of_metas(tags, agents, now),
        *tdmrep.of_page(pairs, tags),
        *usage.of_header(pairs),
    ]
    yield from permissions(url, "page", said, now)


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
