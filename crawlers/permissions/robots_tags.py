"""The meta tag `robots` and the header X-Robots-Tag of a page: noindex, nosnippet, noai and their like.

What a page does not say is "not stated". `max-snippet:0` is `nosnippet`, and `unavailable_after` with a day that has
come is `noindex`.

Source:
    https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from crawlers.permissions.said import Said, cut
from geo_flywheel.registry.permissions import purposes

_DIRECTIVES = "robots_directive"
_VALUED = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})
_SCOPE = re.compile(r"\s*([\w*.-]+)\s*:\s*(.*)", re.ASCII)
_MOST = 200


def of_headers(headers: Iterable[tuple[str, str]], agents: Mapping[str, str], now: datetime) -> list[Said]:
    """Return what the X-Robots-Tag headers say to all, and to each agent they name.

    Args:
        headers: (name, value), names in lower case.
        agents: Tokens of the agents known, by their lower-case form; what is said to others is left out.
        now: When the page was fetched; naive UTC.
    """
    told: dict[str | None, list[str]] = {None: []}
    for name, value in headers:
        if name == "x-robots-tag":
            _collect(value, agents, told)
    return _stated("x_robots_tag", told, now)


def of_metas(metas: Iterable[tuple[str, str]], agents: Mapping[str, str], now: datetime) -> list[Said]:
    """Return what the meta tags say to all (`robots`), and to each agent that one is named after."""
    told: dict[str | None, list[str]] = {None: []}
    for name, content in metas:
        if name == "robots" or name in agents:
            told.setdefault(agents.get(name), []).extend(content.split(",")[:_MOST])
    return _stated("meta_robots", told, now)


def _collect(value: str, agents: Mapping[str, str], told: dict[str | None, list[str]]) -> None:
    """Sort the directives of one header line by whom they are said to."""
    to: str | None = None
    heard = True
    for part in value.split(",")[:_MOST]:
        scope = _SCOPE.fullmatch(part)
        directive = part
        if scope and scope[1].lower() not in _VALUED:
            heard, directive = scope[1].lower() in agents, scope[2]
            to = agents.get(scope[1].lower())
        if heard:
            told.setdefault(to, []).append(directive)


def _stated(signal: str, told: Mapping[str | None, list[str]], now: datetime) -> list[Said]:
    found = []
    for agent, directives in told.items():
        said = [directive.strip().lower() for directive in directives if directive.strip()]
        written = cut(", ".join(said)) if said else None
        forbidden = {purposes(_DIRECTIVES)[word] for one in said if (word := _word(one, now))}
        found += [Said(signal, agent, purpose, "disallowed", written) for purpose in sorted(forbidden)]
        if not forbidden and (agent is None or said):
            found.append(Said(signal, agent, "any", "not_stated", written))
    return found


def _word(directive: str, now: datetime) -> str | None:
    """The listed word that a directive is, None where it is none."""
    name, _, value = map(str.strip, directive.partition(":"))
    if name == "max-snippet" and value == "0":
        return "nosnippet"
    if name == "unavailable_after":
        return "noindex" if (day := _day(value)) and day <= now else None
    return name if name in purposes(_DIRECTIVES) else None


def _day(value: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            day = read(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return day.astimezone(UTC).replace(tzinfo=None) if day.tzinfo else day
    return None
