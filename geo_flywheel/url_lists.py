"""The dated lists behind URL identity: which parameters only track, and which addresses only lead elsewhere."""

import re
import tomllib
from datetime import date
from functools import cache, lru_cache
from typing import Any, NamedTuple

from publicsuffixlist import PublicSuffixList

from geo_flywheel import shipped


class Tracking(NamedTuple):
    """Query parameters that never decide which page is shown, from `data/tracking_parameters.toml`."""

    dated: date
    names: frozenset[str]
    prefixes: tuple[str, ...]


class Redirect(NamedTuple):
    """One kind of address that only leads to another page.

    Attributes:
        path: What the path begins with.
        parameters: Where the target is written, in order of trust; empty when it is not written in the query.
        encoding: How a parameter writes it: "" for percent escapes, "a1-base64" for Bing's form.
        in_path: Whether the rest of the path is the target, without its scheme.
    """

    path: re.Pattern[str]
    parameters: tuple[str, ...]
    encoding: str
    in_path: bool

    @property
    def is_opaque(self) -> bool:
        """Whether the target is not written in it."""
        return not self.parameters and not self.in_path


class _Redirects(NamedTuple):
    dated: date
    hosts: dict[str, tuple[Redirect, ...]]
    patterns: tuple[tuple[re.Pattern[str], Redirect], ...]
    any_pattern: re.Pattern[str]


def dated() -> date:
    """Return the day the younger of the two lists was last changed."""
    return max(tracking().dated, _redirects().dated)


@cache
def tracking() -> Tracking:
    """Return the tracking parameters."""
    listed = _toml("tracking_parameters")
    names = frozenset(name for entry in listed["parameter"] for name in entry["names"])
    return Tracking(listed["date"], names, tuple(name for entry in listed["prefix"] for name in entry["names"]))


@lru_cache(maxsize=65536)
def redirects(host: str) -> tuple[Redirect, ...]:
    """Return the kinds of redirect a host serves, none for nearly every host."""
    listed = _redirects()
    name = host.removeprefix("www.")
    by_host = listed.hosts.get(name, ())
    if not listed.any_pattern.fullmatch(name):
        return by_host
    return (*by_host, *(redirect for pattern, redirect in listed.patterns if pattern.fullmatch(name)))


@cache
def suffixes() -> PublicSuffixList:
    """Return the public suffixes, those of private owners too (blogspot.com)."""
    return PublicSuffixList()


@cache
def registered_suffixes() -> PublicSuffixList:
    """Return the public suffixes that registries run, without those of private owners."""
    return PublicSuffixList(only_icann=True)


@cache
def _redirects() -> _Redirects:
    listed = _toml("url_redirects")
    hosts: dict[str, tuple[Redirect, ...]] = {}
    patterns = []
    for entry in listed["redirect"]:
        redirect = _redirect(entry)
        for host in entry.get("hosts", ()):
            hosts[host] = (*hosts.get(host, ()), redirect)
        if "pattern" in entry:
            patterns.append((re.compile(entry["pattern"]), redirect))
    any_pattern = re.compile("|".join(pattern.pattern for pattern, _ in patterns))
    return _Redirects(listed["date"], hosts, tuple(patterns), any_pattern)


def _redirect(entry: dict[str, Any]) -> Redirect:
    parameters = tuple(entry.get("parameters", ()))
    return Redirect(re.compile(entry["path"]), parameters, entry.get("encoding", ""), entry.get("in_path", False))


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((shipped.folder("data") / f"{name}.toml").read_text("utf-8"))
