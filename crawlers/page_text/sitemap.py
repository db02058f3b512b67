"""Sitemaps: XML of either kind, plain text, gzip or not, read within limits whoever wrote them.

Entities are not resolved, nothing is loaded, a document type is refused, and so is what unfolds beyond the protocol's
50 MB.

Source:
    https://www.sitemaps.org/protocol.html; times as in https://www.w3.org/TR/NOTE-datetime.
"""

import re
import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from io import BytesIO
from typing import NamedTuple

from lxml import etree  # type: ignore[import-untyped]

from geo_flywheel.errors import Unreadable

MOST = 50 * 1024 * 1024
MOST_ENTRIES = 50_000
_LONGEST = 2048
_GZIP = 16 + zlib.MAX_WBITS
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Listed(NamedTuple):
    """A page, or a further sitemap, with the day it was last changed as the sitemap says; None where it says none."""

    address: str
    modified_on: date | None


class Sitemap(NamedTuple):
    """What a sitemap lists, in its order."""

    pages: tuple[Listed, ...]
    sitemaps: tuple[Listed, ...]


def read(body: bytes, name: str) -> Sitemap:
    """Return what a sitemap lists, at most its first 50,000 entries.

    Args:
        body: As it came; gzip is unpacked.
        name: What the errors call it.

    Raises:
        Unreadable: If it is no sitemap, larger than one may be, or damaged before its first entry.
    """
    plain = _unpacked(body, name).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not plain.startswith(b"<"):
        return Sitemap(_of_lines(plain, name), ())
    if b"<!DOCTYPE" in plain[:4096].upper() or b"<!ENTITY" in plain[:4096].upper():
        raise Unreadable(
            f"{name}: a page or an XML file with a document type, no sitemap; name the sitemap in robots.txt"
        )
    return _of_xml(plain, name)


def _unpacked(body: bytes, name: str) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        plain = body
    else:
        unpacker = zlib.decompressobj(_GZIP)
        try:
            plain = unpacker.decompress(body, MOST + 1)
        except zlib.error as error:
            raise Unreadable(f"{name}: the sitemap cannot be unpacked ({error}); fetch it again") from None
    if len(plain) > MOST:
        raise Unreadable(f"{name}: the sitemap is larger than the {MOST:,} bytes one may have; split it")
    return plain


def _of_lines(plain: bytes, name: str) -> tuple[Listed, ...]:
    lines = [line.strip() for line in plain.decode("utf-8", "replace").splitlines()]
    found = [Listed(line, None) for line in lines if line.startswith(("http://", "https://")) and len(line) <= _LONGEST]
    if not found:
        raise Unreadable(f"{name}: no address in it, so it is no sitemap; name the sitemap in robots.txt")
    return tuple(found[:MOST_ENTRIES])


def _of_xml(plain: bytes, name: str) -> Sitemap:
    pages: list[Listed] = []
    sitemaps: list[Listed] = []
    root = ""
    try:
        for kind, listed in _entries(plain):
            root = root or kind
            if listed:
                (pages if kind == "url" else sitemaps).append(listed)
            if len(pages) + len(sitemaps) >= MOST_ENTRIES:
                break
    except etree.XMLSyntaxError as error:
        if not pages and not sitemaps:
            raise Unreadable(f"{name}: the sitemap is no XML ({error.msg}); fetch it again") from None
    if not root:
        raise Unreadable(
            f"{name}: XML without a page or a sitemap in it, so it is none; name the sitemap in robots.txt"
        )
    return Sitemap(tuple(pages), tuple(sitemaps))


def _entries(plain: bytes) -> Iterator[tuple[str, Listed | None]]:
    """Each <url> and <sitemap> as it ends; first of all the root, so that an empty sitemap is known for one."""
    kinds = {"urlset": "url", "sitemapindex": "sitemap"}
    walk = etree.iterparse(
        BytesIO(plain),
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    for event, element in walk:
        name = _local(element)
        if event == "start" and name in kinds and element.getparent() is None:
            yield kinds[name], None
        if event == "end" and name in kinds.values():
            said = {_local(child): (child.text or "").strip() for child in element}
            address = said.get("loc", "")
            if address.startswith(("http://", "https://")) and len(address) <= _LONGEST:
                yield name, Listed(address, _day(said.get("lastmod", "")))
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


def _local(element: etree._Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _day(written: str) -> date | None:
    """The day of a time in UTC; a bare year or month names none."""
    if not _DAY.match(written):
        return None
    try:
        moment = datetime.fromisoformat(written)
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):
        return None
