"""The assistants people come from, from `data/referrers.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from geo_flywheel import shipped


@dataclass(frozen=True, slots=True)
class Assistant:
    """An assistant that sends people to the pages it cites.

    Attributes:
        name: As it stands in every row.
        operator: Whose it is.
        hosts: Hosts of its pages, subdomains included; one with a path stands for the addresses that begin with it.
        utm_sources: What it adds to addresses as utm_source, lower case.
        source: Where that is told.
    """

    name: str
    operator: str
    hosts: tuple[str, ...]
    utm_sources: tuple[str, ...]
    source: str


@cache
def assistants() -> tuple[Assistant, ...]:
    """Return the assistants known."""
    return tuple(
        Assistant(**entry | {"hosts": tuple(entry["hosts"]), "utm_sources": tuple(entry["utm_sources"])})
        for entry in _listed()
    )


@cache
def _by_host() -> dict[str, list[tuple[str, Assistant]]]:
    """By host, the paths that count there ("" for any) and the assistant they mean."""
    found: dict[str, list[tuple[str, Assistant]]] = {}
    for assistant in assistants():
        for place in assistant.hosts:
            host, slash, path = place.partition("/")
            found.setdefault(host, []).append((slash + path, assistant))
    return found


@cache
def _by_utm_source() -> dict[str, Assistant]:
    return {source: assistant for assistant in assistants() for source in assistant.utm_sources}


def by_host(host: str) -> list[tuple[str, Assistant]]:
    """Return the assistants whose pages a host holds, each with the beginning of their paths ("" for any)."""
    labels = host.partition(":")[0].rstrip(".").lower().split(".")
    known = _by_host()
    return next((known[name] for n in range(len(labels)) if (name := ".".join(labels[n:])) in known), [])


def by_utm_source(utm_source: str) -> Assistant | None:
    """Return the assistant that adds a utm_source, None when none does."""
    return _by_utm_source().get(utm_source.strip().lower())


def _listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads((shipped.folder("data") / "referrers.toml").read_text("utf-8"))[
        "assistant"
    ]
    return found
