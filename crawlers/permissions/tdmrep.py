"""The TDM Reservation Protocol: reserved (1) or not (0) by meta tag, by header, or by a file of the site.

A page's meta tag counts before its header, and either before the site's file. Of the file's rules the first that
matches counts; any other value is as if none were set. A policy beside a reservation may still grant licences: it stays
in the value.

Source:
    TDM Reservation Protocol, Final Community Group Report, 10 May 2024.
"""

from collections.abc import Iterable
from typing import Any

import orjson
from protego import Protego

from crawlers.permissions.said import Said, State, as_told, cut
from geo_flywheel.registry.permissions import purposes

PATH = "/.well-known/tdmrep.json"
SIGNAL = "tdmrep"
_WORD = "tdm-reservation"
_MOST_RULES = 1_000
_STATES: dict[str, State] = {"1": "disallowed", "0": "allowed"}


def of_page(headers: Iterable[tuple[str, str]], metas: Iterable[tuple[str, str]]) -> list[Said]:
    """Return what a page says itself.

    Args:
        headers: (name, value), names in lower case.
        metas: The same of its meta tags.
    """
    for where, pairs in (("meta", metas), ("header", headers)):
        said = {name: value.strip() for name, value in reversed(list(pairs)) if name in {_WORD, "tdm-policy"}}
        if said.get(_WORD) in _STATES:
            return [_said(said[_WORD], said.get("tdm-policy"), where)]
    return [_said(None, None, "")]


def of_file(status: int, body: bytes, url: str) -> list[Said]:
    """Return what the site's file says of an address."""
    if 400 <= status < 500 and status != 429:  # noqa: PLR2004 - there is none, as HTTP says it
        return [_said(None, None, "")]
    if status != 200:  # noqa: PLR2004 - the file itself
        return [Said(SIGNAL, None, purposes(SIGNAL)[_WORD], "unknown", as_told(status))]
    rules = _rules(body)
    if rules is None:
        return [Said(SIGNAL, None, purposes(SIGNAL)[_WORD], "unknown", "no JSON list of rules")]
    for rule in rules:
        if _matches(rule.get("location"), url):
            policy = rule.get("tdm-policy")
            return [_said(_number(rule.get(_WORD)), policy if isinstance(policy, str) else None, "file")]
    written = f"no rule is for it, {len(rules)} for other paths" if rules else None
    return [Said(SIGNAL, None, purposes(SIGNAL)[_WORD], "not_stated", written)]


def _rules(body: bytes) -> list[dict[str, Any]] | None:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return [rule for rule in told[:_MOST_RULES] if isinstance(rule, dict)] if isinstance(told, list) else None


def _matches(location: object, url: str) -> bool:
    if not isinstance(location, str) or not location.strip() or "\n" in location or "\r" in location:
        return False
    path = location.strip() if location.strip().startswith(("/", "*")) else f"/{location.strip()}"
    return not Protego.parse(f"User-agent: x\nDisallow: {path}").can_fetch(url, "x")


def _number(value: object) -> str | None:
    return str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else None


def _said(reservation: str | None, policy: str | None, where: str) -> Said:
    state = _STATES.get(reservation or "", "not_stated")
    if reservation is None or state == "not_stated":
        return Said(SIGNAL, None, purposes(SIGNAL)[_WORD], "not_stated", None)
    written = f"{_WORD}: {reservation} ({where})" + (f"; tdm-policy: {policy}" if policy else "")
    return Said(SIGNAL, None, purposes(SIGNAL)[_WORD], state, cut(written))
