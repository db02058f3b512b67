"""Services that are not there: replies that wait to be sent, and what was asked of them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson

from crawlers.base import Reply, Request

SENT_AT = datetime(2026, 11, 22, 12)


class Waiting:
    """An `Http` that gives the replies in the order they wait and keeps every request."""

    def __init__(self, *replies: Reply | Exception) -> None:
        self.requests: list[Request] = []
        self._replies = list(replies)

    async def send(self, request: Request) -> Reply:
        self.requests.append(request)
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def reply(told: object = None, status: int = 200, headers: Iterable[tuple[str, str]] = (), **rest: Any) -> Reply:
    """Return a reply of one JSON document, or of these bytes."""
    body = told if isinstance(told, bytes) else orjson.dumps(told)
    about: dict[str, Any] = {"url": "https://service.test/", "sent_at": SENT_AT, "seconds": 1.0}
    return Reply(status, tuple(headers), body, **about | rest)
