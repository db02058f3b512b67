"""What the words of permission signals are about, from `data/permissions.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from geo_flywheel import shipped


@dataclass(frozen=True, slots=True)
class PurposeToken:
    """A name in a User-agent line that stands for a purpose and no crawler.

    Attributes:
        purpose: As in `Permission.purpose`.
        source: Where it is defined.
    """

    token: str
    purpose: str
    source: str


@cache
def purposes(signal: str) -> dict[str, str]:
    """Return the purpose that each word of a signal is about."""
    return {entry["word"]: entry["purpose"] for entry in _listed("word") if entry["signal"] == signal}


@cache
def purpose_tokens() -> tuple[PurposeToken, ...]:
    """Return the purpose tokens known; none while no draft's token is."""
    return tuple(PurposeToken(**entry) for entry in _listed("purpose_token"))


def _listed(kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _tables().get(kind, [])
    return found


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads((shipped.folder("data") / "permissions.toml").read_text("utf-8"))
