"""The groups of a robots.txt and what they allow whom (RFC 9309): protego matches the paths, agents are matched here.

protego takes the name of a group for an agent's wherever it begins a word of it, so that a group for Applebot would
hold for Applebot-Extended. RFC 9309 wants the product token whole, in any case of letters.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from protego import Protego

from crawlers.permissions.said import State, cut

MOST = 500 * 1024  # RFC 9309, 2.5: at least so much is read
MOST_RULES = 5_000
"""Rules of one group that are judged; a longer one is unknown rather than half read."""
_MOST_GROUPS, _MOST_PREFERENCES = 1_000, 200
_AGENT = re.compile(r"user[- ]?agent\s*:?\s*(.*)", re.IGNORECASE)
_TOKEN = re.compile(r"\*|[\w-]+(?:\.[\w-]+)*", re.ASCII)
_FIELD = re.compile(r"([a-z][a-z -]*?)\s*:\s*(.*)", re.IGNORECASE)
_SITE_WIDE = frozenset({"sitemap", "sitemaps", "site-map", "host"})


@dataclass(frozen=True, eq=False)
class Rules:
    """Lines that allow and disallow, one object for all groups that have the same.

    Attributes:
        lines: As written.
    """

    lines: tuple[str, ...]
    _states: dict[str, State] = field(default_factory=dict, init=False)
    _deciding: dict[str, str] = field(default_factory=dict, init=False)

    def state(self, url: str) -> State:
        """Return whether they allow an address; "unknown" when there are too many to judge."""
        if len(self.lines) > MOST_RULES:
            return "unknown"
        if url not in self._states:
            self._states[url] = "allowed" if self._parsed.can_fetch(url, "x") else "disallowed"
        return self._states[url]

    def deciding(self, url: str) -> str:
        """Return the rule that decides about an address, or why none does."""
        if url not in self._deciding:
            self._deciding[url] = self._decided(url)
        return self._deciding[url]

    def _decided(self, url: str) -> str:
        state = self.state(url)
        if state == "unknown":
            return f"more than {MOST_RULES:,} rules"
        matching = [line for line, allow, disallow in self._singly if (allow if state == "allowed" else disallow)(url)]
        return max(matching, key=len, default="no rule is for it: RFC 9309 allows it")

    @cached_property
    def _parsed(self) -> Protego:
        return Protego.parse("\n".join(["User-agent: x", *self.lines]))

    @cached_property
    def _singly(self) -> list[tuple[str, Callable[[str], bool], Callable[[str], bool]]]:
        """Each rule with whether it alone would allow what all else forbids, and whether it alone forbids."""
        return [(line, _matcher(line, allows=True), _matcher(line, allows=False)) for line in self.lines]


class Group(NamedTuple):
    """What is said to one product token, in all its groups together.

    Attributes:
        token: As the file spells it first.
        others: (name, value) of the rules that neither allow nor disallow, names in lower case.
    """

    token: str
    rules: Rules
    others: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Robots:
    """A robots.txt.

    Attributes:
        groups: By product token, lower case.
        sitemaps: Addresses it names.
    """

    groups: Mapping[str, Group]
    sitemaps: tuple[str, ...]

    def group(self, token: str) -> Group | None:
        """Return the group that holds for an agent: its own, else that of all others, else None."""
        return self.groups.get(token.lower()) or self.groups.get("*")

    def state(self, token: str, url: str) -> State:
        """Return whether an agent may fetch an address."""
        group = self.group(token)
        return group.rules.state(url) if group else "allowed"

    def says(self, token: str, url: str) -> str:
        """Return what decides whether an agent may fetch an address, as it is written there."""
        group = self.group(token)
        if group is None:
            return "no group is for it: RFC 9309 allows everything"
        return cut(f"User-agent: {group.token}; {group.rules.deciding(url)}")


class _Lines(NamedTuple):
    token: str
    access: list[str]
    others: list[tuple[str, str]]


def parse(body: bytes) -> Robots:
    """Return the rules of a robots.txt, of its first 500 KiB. Total: what is no rule is passed over."""
    found: dict[str, _Lines] = {}
    sitemaps: list[str] = []
    current: list[_Lines] = []
    naming = False
    for line in body[:MOST].decode("utf-8-sig", "replace").splitlines():
        rule = line.partition("#")[0].strip()
        named, pair = _AGENT.fullmatch(rule), _FIELD.fullmatch(rule)
        if named:
            current = [*(current if naming else []), *_named(found, named[1])]
            naming = True
        elif pair and pair[1].lower() in _SITE_WIDE:
            sitemaps += [pair[2]] if pair[1].lower() != "host" else []
        elif rule:
            naming = False
            _add(current, rule, pair)
    rules: dict[tuple[str, ...], Rules] = {}
    groups = {
        name: Group(lines.token, rules.setdefault(key := tuple(lines.access), Rules(key)), tuple(lines.others))
        for name, lines in found.items()
    }
    return Robots(groups, tuple(dict.fromkeys(sitemaps)))


def _named(found: dict[str, _Lines], value: str) -> list[_Lines]:
    token = _TOKEN.match(value)
    if token is None or (token[0].lower() not in found and len(found) >= _MOST_GROUPS):
        return []
    return [found.setdefault(token[0].lower(), _Lines(token[0], [], []))]


def _add(current: list[_Lines], rule: str, pair: re.Match[str] | None) -> None:
    name = pair[1].lower() if pair else ""
    for lines in current:
        if pair and name.startswith("content-"):
            if len(lines.others) < _MOST_PREFERENCES:
                lines.others.append((name, pair[2]))
        elif len(lines.access) <= MOST_RULES:
            lines.access.append(rule)


def _matcher(line: str, *, allows: bool) -> Callable[[str], bool]:
    if allows:
        alone = Protego.parse(f"User-agent: x\nDisallow: /\n{line}")
        return lambda url: alone.can_fetch(url, "x")
    alone = Protego.parse(f"User-agent: x\n{line}")
    return lambda url: not alone.can_fetch(url, "x")
