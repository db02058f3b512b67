"""The groups of a robots.txt and what they allow whom (RFC 9309): protego matches the paths, agents are matched here.

protego takes the name of a group for an agent's wherever it begins a word of it, so that a group for Applebot would
hold for Applebot-Extended. RFC 9309 wants the product token whole, in any case of letters.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from protego import Protego

from crawlers.permissions.said import State, cut

MOST = 500 * 1024  # RFC 9309, 2.5: at least so much is read
MOST_RULES = 5_000
"""Rules of one group that are judged; a longer one is unknown rather than half read."""
_MOST_GROUPS = 1_000
_AGENT = re.compile(r"user[- ]?agent\s*:?\s*(.*)", re.IGNORECASE)
_TOKEN = re.compile(r"\*|[\w-]+(?:\.[\w-]+)*", re.ASCII)
_FIELD = re.compile(r"([a-z][a-z -]*?)\s*:\s*(.*)", re.IGNORECASE)
_SITE_WIDE = frozenset({"sitemap", "sitemaps", "site-map", "host"})


@dataclass(frozen=True)
class Group:
    """The rules for one product token, those of all its groups together.

    Attributes:
        token: As the file spells it first.
        access: Lines that may allow or disallow, as written.
        others: (name, value) of every other rule, names in lower case.
    """

    token: str
    access: list[str] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)

    def allows(self, url: str) -> bool | None:
        """Return whether it allows an address; None when it has too many rules to judge."""
        return None if len(self.access) > MOST_RULES else self._parsed.can_fetch(url, "x")

    def deciding(self, url: str) -> str | None:
        """Return the rule that decides about an address, as it is written; None when none matches."""
        allowed = self.allows(url)
        matching = [line for line, allow, disallow in self._singly if (allow if allowed else disallow)(url)]
        return max(matching, key=len, default=None)

    @cached_property
    def _parsed(self) -> Protego:
        return Protego.parse("\n".join(["User-agent: x", *self.access]))

    @cached_property
    def _singly(self) -> list[tuple[str, Callable[[str], bool], Callable[[str], bool]]]:
        """Each rule with whether it alone would allow what all else forbids, and whether it alone forbids."""
        return [(line, _matcher(line, allows=True), _matcher(line, allows=False)) for line in self.access]


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

    def access(self, token: str, url: str) -> tuple[State, str]:
        """Return whether an agent may fetch an address, and what says so."""
        group = self.group(token)
        if group is None:
            return "allowed", "no group is for it: RFC 9309 allows everything"
        allowed = group.allows(url)
        if allowed is None:
            return "unknown", f"User-agent: {group.token} has more than {MOST_RULES:,} rules"
        rule = group.deciding(url) or "no rule is for it: RFC 9309 allows it"
        return "allowed" if allowed else "disallowed", cut(f"User-agent: {group.token}; {rule}")


def parse(body: bytes) -> Robots:
    """Return the rules of a robots.txt, of its first 500 KiB. Total: what is no rule is passed over."""
    groups: dict[str, Group] = {}
    sitemaps: list[str] = []
    current: list[Group] = []
    naming = False
    for line in body[:MOST].decode("utf-8-sig", "replace").splitlines():
        rule = line.partition("#")[0].strip()
        named = _AGENT.fullmatch(rule)
        found = _FIELD.fullmatch(rule)
        if named:
            current = [*(current if naming else []), *_named(groups, named[1])]
            naming = True
        elif found and found[1].lower() in _SITE_WIDE:
            sitemaps += [found[2]] if found[1].lower() != "host" else []
        elif rule:
            naming = False
            _add(current, rule, found)
    return Robots(groups, tuple(dict.fromkeys(sitemaps)))


def _named(groups: dict[str, Group], value: str) -> list[Group]:
    token = _TOKEN.match(value)
    if token is None or (token[0].lower() not in groups and len(groups) >= _MOST_GROUPS):
        return []
    return [groups.setdefault(token[0].lower(), Group(token[0]))]


def _add(current: list[Group], rule: str, found: re.Match[str] | None) -> None:
    name = found[1].lower() if found else ""
    for group in current:
        if name.startswith("content-"):
            group.others.append((name, found[2] if found else ""))
        elif len(group.access) <= MOST_RULES:
            group.access.append(rule)


def _matcher(line: str, *, allows: bool) -> Callable[[str], bool]:
    if allows:
        alone = Protego.parse(f"User-agent: x\nDisallow: /\n{line}")
        return lambda url: alone.can_fetch(url, "x")
    alone = Protego.parse(f"User-agent: x\n{line}")
    return lambda url: not alone.can_fetch(url, "x")
