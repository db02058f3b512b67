"""When a request is sent again, after how long, and when no more.

A wait that the other side names is kept to, an error that would come again is final, and an attempt that may have been
billed without a reply is counted.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import orjson

from crawlers.base import Reply, Request
from crawlers.reading.lenient import amount, mapping, mappings, text
from crawlers.reading.wire import Document
from geo_flywheel.errors import NoReply

_PASSING = frozenset({408, 409, 425, 429})  # and every 5xx, 529 ("overloaded", Anthropic) among them
_SPENT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_MOST_TO_PARSE = 1024**2
_FIRST, _LONGEST = 0.5, 30.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often.

    Attributes:
        attempts: How often a request is sent at most.
        waiting: Seconds between attempts, altogether; a longer wait is not begun.
        unanswered: How often a request that costs money may be lost, and perhaps billed, before it is given up.
        answer: Seconds one attempt may take; searching and thinking take minutes (the SDKs of OpenAI and Anthropic
            give 600).
        page: The same for a page of the open web.
        connect: Seconds for a connection.
    """

    attempts: int = 5
    waiting: float = 120.0
    unanswered: int = 2
    answer: float = 300.0
    page: float = 60.0
    connect: float = 10.0


class Lost(Exception):
    """An attempt that brought no reply.

    Attributes:
        arrived: Whether the request may have reached the other side.
    """

    def __init__(self, why: str, *, arrived: bool) -> None:
        super().__init__(why)
        self.arrived = arrived


class Effort:
    """The attempts at one request."""

    def __init__(self, request: Request, host: str, patience: Patience) -> None:
        self._request, self._host, self._patience = request, host, patience
        self.attempts = self.unanswered = 0
        self._waited = 0.0

    def after_reply(self, reply: Reply, now: datetime, chance: float) -> float | None:
        """Return the seconds to wait before the next attempt; None when this reply is the last."""
        self.attempts += 1
        if not is_passing(reply):
            return None
        told = told_wait(reply, now)
        return self._wait(backoff(self.attempts, chance) if told is None else told)

    def after_loss(self, lost: Lost, chance: float) -> float:
        """Return the seconds to wait before the next attempt.

        Raises:
            NoReply: If there is none.
        """
        self.attempts += 1
        self.unanswered += self._request.paid and lost.arrived
        wait = self._wait(backoff(self.attempts, chance))
        if wait is None or self.unanswered >= self._patience.unanswered:
            billed = f", of which {self.unanswered} may have been billed" if self.unanswered else ""
            raise NoReply(
                f"{self._host} gave no reply in {self.attempts} attempts{billed} ({lost}); "
                "check the address and the network, then run again",
                self.unanswered,
            )
        return wait

    def _wait(self, seconds: float) -> float | None:
        if self.attempts >= self._patience.attempts or self._waited + seconds > self._patience.waiting:
            return None
        self._waited += seconds
        return seconds


def is_passing(reply: Reply) -> bool:
    """Return whether asking again may bring another reply."""
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS and _is_spent(_error(reply)):
        return False
    return reply.status in _PASSING or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def told_wait(reply: Reply, now: datetime) -> float | None:
    """Return the seconds the other side asks to wait; None when it names none that can be understood.

    Source:
        `retry-after-ms` (OpenAI) before `retry-after` (RFC 9110, 10.2.3: seconds or a date) before the RetryInfo of
        Google's errors (google.rpc.error_details: "34s").
    """
    headers: Mapping[str, str] = dict(reply.headers)
    milliseconds = amount(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    told = _seconds_or_date(headers.get("retry-after", ""), now)
    return _retry_info(_error(reply)) if told is None else told


def backoff(attempt: int, chance: float) -> float:
    """Return seconds: twice as long each time, between a half and all of it.

    Source:
        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("equal jitter").
    """
    whole = min(_FIRST * 2.0 ** min(attempt, 16), _LONGEST)
    return whole * (1 + chance) / 2


def _seconds_or_date(value: str, now: datetime) -> float | None:
    seconds = amount(value)
    if seconds is not None:
        return seconds
    with suppress(ValueError, OverflowError):
        date = parsedate_to_datetime(value)
        date = date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
        return max(0.0, (date.replace(tzinfo=None) - now).total_seconds())
    return None


def _retry_info(error: Document) -> float | None:
    details = [item for item in mappings(error.get("details")) if text(item.get("@type")).endswith("rpc.RetryInfo")]
    waits = [amount(text(item.get("retryDelay")).removesuffix("s")) for item in details]
    return max((wait for wait in waits if wait is not None), default=None)


def _is_spent(error: Document) -> bool:
    """Whether it is money or the quota of a day that ran out, which no wait of this run mends."""
    violations = [item for detail in mappings(error.get("details")) for item in mappings(detail.get("violations"))]
    return not _SPENT.isdisjoint({text(error.get("code")), text(error.get("type"))}) or any(
        "PerDay" in text(item.get("quotaId")) for item in violations
    )


def _error(reply: Reply) -> Document:
    """Return the `error` of a reply in JSON, or nothing; Google wraps that of a stream in an array."""
    if len(reply.body) > _MOST_TO_PARSE:
        return {}
    try:
        whole = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return {}
    first = next(iter(mappings(whole)), {}) if isinstance(whole, list) else mapping(whole)
    return mapping(first.get("error"))
