"""A reply that comes in several pages, archived and read as one: what is counted over all of them is never split.

The pages stand in the joined body byte for byte, as the items of a JSON array.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date
from http import HTTPStatus

import orjson

from crawlers.base import Reply, Request
from crawlers.reading.lenient import mapping, text
from crawlers.reading.wire import MAX_BODY, Document, documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture

WHOLE, CUT = "whole", "cut"
_ROOM = MAX_BODY * 3 // 4  # bytes of the pages before another one is asked for
_LONGEST_MESSAGE = 300
_TO_DO = {
    400: "see to the options of the source",
    401: "the key or token is wrong or has expired; set another one in the environment",
    403: "the key or token gives no access to this; see to its rights",
    404: "there is no such thing; see to the options of the source",
    429: "its quota is used up; gather again later",
}


async def all_pages(
    send: Callable[[Request], Awaitable[Reply]],
    first: Request,
    following: Callable[[Document], Request | None],
    most: int,
) -> tuple[Reply, str]:
    """Return the pages of a reply as one, and whether they are the `WHOLE` of it or were `CUT`.

    Args:
        send: The way out.
        first: Asks for the first page.
        following: What asks for the page after this one; None when it is the last.
        most: Pages at most.
    """
    replies: list[Reply] = []
    ask: Request | None = first
    while ask and len(replies) < most and sum(len(reply.body) for reply in replies) < _ROOM:
        replies.append(await send(ask))
        page = _document(replies[-1].body) if replies[-1].status == HTTPStatus.OK else None
        ask = following(page) if page is not None else None  # after what is no page, none follows
    return joined(replies), CUT if ask else WHOLE


def joined(replies: Sequence[Reply]) -> Reply:
    """Return one reply with the pages of several, at least one; its status is that of the last, which may be a no."""
    if len(replies) == 1:
        return replies[0]
    first, last = replies[0], replies[-1]
    return replace(
        last,
        body=b"[" + b",".join(_item(reply.body) for reply in replies) + b"]",
        url=first.url,
        sent_at=first.sent_at,
        seconds=sum(reply.seconds for reply in replies),
        attempts=sum(reply.attempts for reply in replies),
    )


def _item(body: bytes) -> bytes:
    """A page as it came, or as a text where it is no JSON."""
    return orjson.dumps(body.decode("utf-8", "replace")) if _document(body) is None else body


def pages(capture: Capture) -> list[Document]:
    """Return the pages of a captured reply.

    Raises:
        Unreadable: As `accepted`, or if the body is no such reply.
    """
    accepted(capture)
    return documents(capture.body, f"the reply of {capture.plugin}")


def asked_on(capture: Capture) -> date:
    """Return the day (UTC) a reply was asked for: that of the levels in it."""
    if capture.asked_at is None:
        raise Unreadable(f"nothing tells when {capture.plugin} was asked; gather again")
    return capture.asked_at.date()


def accepted(capture: Capture) -> None:
    """Make sure that the source did what was asked.

    Raises:
        Unreadable: If it said no; the message tells why, and what to do.
    """
    if capture.http_status != HTTPStatus.OK:
        status = capture.http_status or 0
        to_do = _TO_DO.get(status, "gather again later")
        raise Unreadable(f"{capture.plugin} replied {status}{_said(capture.body)}; {to_do}")


def _document(body: bytes) -> Document | None:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _said(body: bytes) -> str:
    """What the source says itself about a failure, in the shapes of Google, Plausible and MediaWiki."""
    told = (_document(body) or {}).get("error")
    words = text(told) or text(mapping(told).get("message")) or text(mapping(told).get("info"))
    return f" ({' '.join(words.split())[:_LONGEST_MESSAGE]})" if words else ""
