"""Which assistant sent a visit, as tools name it: a host, a campaign's source, or a name for people."""

import re
from functools import cache

from geo_flywheel.registry.referrers import assistants, by_host, by_utm_source

_SIGNS = re.compile(r"[^a-z0-9]+")


def assistant(said: str) -> str | None:
    """Return the name of the assistant that a source names, None when it is none."""
    found = next((known for path, known in by_host(said) if not path), None) or by_utm_source(said)
    return found.name if found else _by_name().get(_plain(said))


def beginnings() -> dict[str, tuple[str, ...]]:
    """Return the beginnings of referrers of each assistant, with and without www."""
    return {
        known.name: tuple(_address(www, host) for host in known.hosts for www in ("", "www.")) for known in assistants()
    }


@cache
def pattern() -> str:
    """Return a regular expression (RE2) for the hosts of all assistants, those below them, and what they add as source.

    A host that holds an assistant only under a path is left out: a source has no path.
    """
    hosts = sorted({re.escape(host) for known in assistants() for host in known.hosts if "/" not in host})
    added = sorted({re.escape(source) for known in assistants() for source in known.utm_sources})
    return rf"(^|\.)({'|'.join(hosts)})$|^({'|'.join(added)})$"


@cache
def _by_name() -> dict[str, str]:
    return {_plain(known.name): known.name for known in assistants()}


def _plain(said: str) -> str:
    return _SIGNS.sub("", said.lower())


def _address(www: str, host: str) -> str:
    return f"https://{www}{host}" if "/" in host else f"https://{www}{host}/"
