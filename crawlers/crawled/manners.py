"""How an index that everybody shares is asked: one request after the other, with pauses, and no more once it says no.

Source:
    cdx_toolkit 0.9.39 waits 1 s between requests to Common Crawl's index, 0.55 s to its data and 6 s to the Wayback
    Machine. CloudFront throttles with 403; a day's numeric limit is not published.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus

from crawlers.base import Http, Reply, Request
from geo_flywheel.errors import ConfigError, Throttled

MANNERS: Mapping[str, object] = {"pause": 1.0, "throttled_pause": 60.0, "contact": ""}
"""Options of every source here: seconds between requests, seconds after a 403 before the one more try, and an address
or page at which whoever runs the index can reach the person who asks."""

_CLOSED = (b"AccessControlException", b"Blocked Site Error")
_LATER = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, 509})


class Polite:
    """A way out that keeps to these manners; it is itself an `Http`.

    Args:
        http: Does the sending, its own pace and patience included.
        source: Who asks, for the errors.
        options: Of the source as it is configured, `MANNERS` among them.
    """

    def __init__(self, http: Http, source: str, options: Mapping[str, object]) -> None:
        self._http = http
        self._pause = seconds(options, "pause", source)
        self._long_pause = seconds(options, "throttled_pause", source)
        contact = str(options["contact"])
        self._headers = {"from": contact, "user-agent": f"geo-flywheel (+{contact})"} if contact else {}
        self._begun = self._shut = False

    async def send(self, request: Request) -> Reply:
        """Return the reply; one that says "later" to the end is returned once, and nothing is sent after it.

        Raises:
            Throttled: If an earlier request was told to come back later.
            Refused, NoReply, Unreadable: As `Http.send`.
        """
        if self._shut:
            raise Throttled("the index asked for patience, so nothing more is asked of it now; gather again later")
        if self._begun:
            await asyncio.sleep(self._pause)
        self._begun = True
        request = replace(request, headers={**self._headers, **request.headers})
        reply = await self._http.send(request)
        if reply.status == HTTPStatus.FORBIDDEN and not _is_closed(reply):
            await asyncio.sleep(self._long_pause)
            reply = await self._http.send(request)
        self._shut = reply.status in _LATER and not _is_closed(reply)
        return reply


def _is_closed(reply: Reply) -> bool:
    """Whether it is one site that is closed, not the service: what the Wayback Machine says of a site taken out."""
    return reply.status == HTTPStatus.FORBIDDEN and any(words in reply.body for words in _CLOSED)


def seconds(options: Mapping[str, object], name: str, source: str) -> float:
    """Return an option that is a number of seconds.

    Raises:
        ConfigError: If it is something else.
    """
    value = options.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 3600:  # noqa: PLR2004 - an hour
        raise ConfigError(f"{name} of {source} is {value!r}; write seconds from 0 to 3600")
    return float(value)


def whole(options: Mapping[str, object], name: str, source: str) -> int:
    """Return an option that is a whole number of 1 or more.

    Raises:
        ConfigError: If it is something else.
    """
    value = options.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"{name} of {source} is {value!r}; write a whole number from 1 on")
    return value


def names(options: Mapping[str, object], name: str, source: str) -> tuple[str, ...]:
    """Return an option that is a list of names.

    Raises:
        ConfigError: If it is something else.
    """
    value = options.get(name)
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f'{name} of {source} is {value!r}; write a list of names, as in ["a", "b"]')
    return tuple(value)
