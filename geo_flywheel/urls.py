"""The one owner of URL identity: when two addresses are one page, and which site a page belongs to.

`canonical` joins only addresses that must show the same page, by the URL standard or by a dated list in `data/`:

- white space around it, user name and password are dropped;
- scheme and host in lower case, Unicode hosts as punycode; default port, trailing dot and dot segments removed;
- percent escapes in upper case, unreserved characters decoded, a bare `%` escaped, reserved ones left as they are;
- parameters of `data/tracking_parameters.toml` cut; all others keep order, repeats and empty values;
- an empty `?` dropped; the fragment dropped, its `:~:text=` kept as the passage, a `#!` route kept in the URL;
- redirects of `data/url_redirects.toml` replaced by the target written in them, opaque ones kept and marked.

Kept apart, because they may differ: http and https, `www.` and none (see `site_key`), a publisher's own AMP page,
a trailing slash and none, `+` and `%20`, a reserved character escaped and not.

`RULES` is raised with every change of a rule; `version()` joins it with the date of the lists.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple
from urllib.parse import unquote, unquote_to_bytes

from ada_url import normalize_url
from msgspec import Struct

from geo_flywheel.url_lists import Redirect, dated, redirects, registered_suffixes, suffixes, tracking

RULES = 1
MAX_LENGTH = 8192
MAX_REDIRECTS = 8

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_RESERVED_NAMES = frozenset({"test", "example", "invalid", "localhost"})  # RFC 6761
_OTHER_DOORS = frozenset({"www", "m", "mobile", "amp"})
_NAME = r"(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*"
_CLEAN_NAME = re.compile(r"(?!.*xn--)" + _NAME)
_CLEAN_HOST = rf"https?://({_NAME})"
_BEGINS_CLEAN = re.compile(_CLEAN_HOST + r"(?=[/?#]|\Z)")
_SIGNS = "A-Za-z0-9_.~!$&()*+,;=:@-"
_KEPT_ESCAPE = "%(?:[0189A-F][0-9A-F]|2[0-9A-CF]|3[A-F]|[46]0|5[B-E]|7[BCDF])"  # of anything not unreserved
_CLEAN_SEGMENT = rf"(?!\.\.?(?:[/?]|\Z))['{_SIGNS}]*(?:{_KEPT_ESCAPE}['{_SIGNS}]*)*"
_CLEAN_QUERY = rf"(?!\Z)[/?{_SIGNS}]*(?:{_KEPT_ESCAPE}[/?{_SIGNS}]*)*"
_CLEAN = re.compile(rf"{_CLEAN_HOST}(?:((?:/{_CLEAN_SEGMENT})+)(?:\?({_CLEAN_QUERY}))?)?")
_NORMAL = re.compile(
    r"(https?)://(?:[^/@]*@)?(\[[0-9a-f:]+\]|[^:/.]+(?:\.[^:/.]+)*)\.?(:\d+)?(/[^?#]*)(?:\?([^#]*))?(#.*)?"
)
_ESCAPE = re.compile(r"%(?:[0-9A-Fa-f]{2})?")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]")
_EDGE = "".join(char for char in map(chr, range(0x3001)) if char.isspace() or char < "!")
_DIRECTIVE = re.compile(r"(?::|%3A)(?:~|%7E)(?::|%3A)", re.IGNORECASE)
_BARE_HOST = re.compile(r"(?:[\w-]+\.)+[\w-]+\.?|\[[0-9A-Fa-f:.]+\]")


class Page(Struct, frozen=True):
    """What an address means.

    Attributes:
        url: The canonical form; text that is no http(s) URL, or longer than `MAX_LENGTH`, comes back stripped with its
            white space escaped.
        passage: Words of the page the address points at (`#:~:text=`), None when it points at none.
        resolved: False when `url` is a redirect whose target is not written in it.
    """

    url: str
    passage: str | None
    resolved: bool


class _Parts(NamedTuple):
    url: str
    host: str
    path: str
    search: str


def canonical(raw_url: str) -> Page:
    """Return the page an address means. Total: every text has an answer, and `canonical` of the answer is itself."""
    clean = _CLEAN.fullmatch(raw_url) if len(raw_url) <= MAX_LENGTH else None
    return (clean and _of_clean(clean)) or _canonical(raw_url)


def version() -> str:
    """Return the version of rules and lists, as in "1/2026-11-22"; it stands beside every reading."""
    return f"{RULES}/{dated().isoformat()}"


def site(url: str) -> str:
    """Return the registrable domain of a URL or of a bare host name; x.blogspot.com is one, blogspot.com another.

    An IP address, a public suffix and a name without dots are their own site; text without a host has "".
    """
    return _site(_host(url))


def site_key(url: str) -> str:
    """Return the host of a URL or of a bare host name without the leading labels www, m, mobile and amp.

    A label stays where the site would be lost with it (www.com, m.uk, www.gov.uk).
    """
    return _site_key(_host(url))


def named_domain(title: str | None) -> str | None:
    """Return the domain a title consists of, lower case, or None when the title is anything but one domain name.

    Engines that answer with opaque redirects (Gemini) name the domain of the page in its title.
    """
    name = (title or "").strip()
    host = _host(name) if _BARE_HOST.fullmatch(name) else ""
    reserved = host.rpartition(".")[2] in _RESERVED_NAMES
    return host if registered_suffixes().privatesuffix(host, accept_unknown=reserved) else None


def _of_clean(clean: re.Match[str]) -> Page | None:
    """The page of an address that stays as it is, None when a list concerns it."""
    host, path, query = clean.groups()
    if query and _without_tracking(query) != query:
        return None
    kinds = redirects(host)
    redirect = next((kind for kind in kinds if kind.path.match(path or "/")), None) if kinds else None
    if redirect and not redirect.is_opaque:
        return None
    return Page(clean[0] if path else f"{clean[0]}/", None, redirect is None)


def _canonical(raw_url: str) -> Page:
    """As `canonical`, by every rule: go on to the target written in a redirect until there is none."""
    first, target = _step(raw_url)
    page, passage = first, first.passage
    for _ in range(MAX_REDIRECTS):
        if target is None:
            break
        page, target = _step(target)
        passage = page.passage or passage
    if target is not None:
        return first
    return page if page.passage == passage else Page(page.url, passage, page.resolved)


def _step(raw_url: str) -> tuple[Page, str | None]:
    """One address by itself, and the address written in it when it is a redirect."""
    text = raw_url.strip(_EDGE)
    if not text.isascii():
        text = _SURROGATE.sub(_escaped, text)
    address, _, fragment = text.partition("#")
    route, passage = _fragment(fragment) if fragment else ("", None)
    parts = _parts(address + route) if len(text) <= MAX_LENGTH else None
    if parts is None:
        return Page(_SPACE.sub(_escaped, text), None, resolved=True), None
    for redirect in redirects(parts.host):
        if redirect.path.match(parts.path):
            return Page(parts.url, passage, resolved=False), _target(redirect, parts)
    return Page(parts.url, passage, resolved=True), None


def _parts(address: str) -> _Parts | None:
    """The canonical URL and its parts, or None when the address is none of the web."""
    try:
        normal = _NORMAL.fullmatch(normalize_url(address))
    except ValueError:
        return None
    if not normal:
        return None
    scheme, host, port, path, query, route = normal.groups("")
    if "%" in normal[0]:
        path, query, route = (_ESCAPE.sub(_normal_escape, part) for part in (path, query, route))
    kept = _without_tracking(query)
    search = f"?{kept}" if kept else ""
    route = route if route != "#!" else ""
    return _Parts(f"{scheme}://{host}{port}{path}{search}{route}", host, path, search)


def _normal_escape(found: re.Match[str]) -> str:
    return _normal_escapes()[found[0]]


@cache
def _normal_escapes() -> dict[str, str]:
    """The normal form of every escape, and of a percent sign that begins none."""
    digits = "0123456789ABCDEFabcdef"
    forms = {"%": "%25"}
    for escape in (f"%{high}{low}" for high in digits for low in digits):
        meant = unquote(escape)
        forms[escape] = meant if meant in _UNRESERVED else escape.upper()
    return forms


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"%{octet:02X}" for octet in found[0].encode("utf-8", "surrogatepass"))


def _without_tracking(query: str) -> str:
    """The query without the listed parameters, the others as they were."""
    if not query:
        return query
    _, names, prefixes = tracking()
    pairs = query.split("&")
    kept = [pair for pair in pairs if pair.partition("=")[0] not in names and not pair.startswith(prefixes)]
    return query if len(kept) == len(pairs) else "&".join(kept)


def _fragment(fragment: str) -> tuple[str, str | None]:
    """The `#!` route that belongs to the URL, and the passage that text directives point at."""
    route, *directives = _DIRECTIVE.split(fragment, maxsplit=1)
    passages = [_passage(part[5:]) for part in "".join(directives).split("&") if part.startswith("text=")]
    return f"#{route}" if route.startswith("!") else "", "\n".join(filter(None, passages)) or None


def _passage(text: str) -> str:
    """The words of `[prefix-,]start[,end][,-suffix]`, as "start … end"; the context around them is left out."""
    words = [part for part in text.split(",") if not part.endswith("-") and not part.startswith("-")]
    return " … ".join(filter(None, (unquote(part).strip() for part in words[:2])))


def _target(redirect: Redirect, parts: _Parts) -> str | None:
    """The http(s) address written in a redirect, None when there is none that can be read without doubt."""
    written = _in_path(redirect, parts) if redirect.in_path else _in_query(redirect, parts.search[1:])
    for target in written:
        if target.lower().startswith(("http://", "https://")) and _parts(target.partition("#")[0]):
            return target
    return None


def _in_path(redirect: Redirect, parts: _Parts) -> Iterator[str]:
    """The address a cache writes after a prefix of its own: first the host, "s/" before it where it means https."""
    found = redirect.path.match(parts.path)
    if found and "." in parts.path[found.end() :].partition("/")[0]:
        scheme = "https" if found[0].endswith("/s/") else "http"
        yield f"{scheme}://{parts.path[found.end() :]}{parts.search}"


def _in_query(redirect: Redirect, query: str) -> Iterator[str]:
    """The values of the parameters that may hold the target; a damaged one is passed over."""
    pairs = [pair.partition("=") for pair in query.split("&")]
    for wanted in redirect.parameters:
        for name, _, value in pairs:
            if name == wanted:
                try:
                    yield _decoded(value, redirect.encoding).strip(_EDGE)
                except ValueError:
                    continue


def _decoded(value: str, encoding: str) -> str:
    octets = unquote_to_bytes(value)
    if encoding == "a1-base64" and octets.startswith(b"a1"):
        octets = urlsafe_b64decode(octets[2:].rstrip(b"=") + b"==")
    return octets.decode()


def _host(url: str) -> str:
    """The host of a URL, or the host a bare name is, in canonical form; "" for anything else."""
    clean = _BEGINS_CLEAN.match(url)
    if clean:
        return clean[1]
    text = url[:MAX_LENGTH].strip(_EDGE).partition("#")[0]
    if _CLEAN_NAME.fullmatch(text):
        return text
    parts = _parts(f"http://{text}/" if _BARE_HOST.fullmatch(text) else text)
    return parts.host if parts else ""


@lru_cache(maxsize=65536)
def _site(host: str) -> str:
    is_address = host.startswith("[") or host.rpartition(".")[2].isdecimal()
    return host if is_address else suffixes().privatesuffix(host) or host


@lru_cache(maxsize=65536)
def _site_key(host: str) -> str:
    own = _site(host)
    label, _, rest = host.partition(".")
    while label in _OTHER_DOORS and host != own:
        host = rest
        label, _, rest = host.partition(".")
    return host
