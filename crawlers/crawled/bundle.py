"""Several replies that answer one question together (pages of an index, one sentence each), archived and read as one.

Nothing of a reply is lost: its status and its body stand in the bundle as they came. A reply that comes alone is its
own bundle, so a reader takes recorded replies and bundles alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

import orjson

from crawlers.base import Reply
from crawlers.reading.lenient import integer, mapping, mappings, text
from crawlers.reading.wire import MAX_BODY
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture

KIND = "application/vnd.geo-flywheel.bundle+json"
ROOM = MAX_BODY // 2
"""Bytes the bodies of one bundle may have together; JSON of JSON takes more room than JSON."""


@dataclass(frozen=True, slots=True)
class Part:
    """One reply of a bundle.

    Attributes:
        asked: What was asked: the address, or the sentence.
        body: As text; a byte that is no UTF-8 is replaced.
    """

    asked: str
    status: int | None
    body: str

    @property
    def ok(self) -> bool:
        """Whether it is a 200."""
        return self.status == HTTPStatus.OK


def bundled(parts: Sequence[tuple[str, Reply]]) -> Reply:
    """Return one reply that holds several, asked in this order; its status is that of the last one.

    Args:
        parts: What was asked and what came, at least one.
    """
    first, last = parts[0][1], parts[-1][1]
    told = [
        {"asked": asked, "status": reply.status, "body": reply.body.decode("utf-8", "replace")}
        for asked, reply in parts
    ]
    return replace(
        last,
        headers=(("content-type", KIND),),
        body=orjson.dumps({"bundle": told}),
        url=first.url,
        sent_at=first.sent_at,
        seconds=sum(reply.seconds for _, reply in parts),
        attempts=sum(reply.attempts for _, reply in parts),
    )


def parts(capture: Capture) -> list[Part]:
    """Return the replies of a bundle, or the one reply that a capture is.

    Raises:
        Unreadable: If it says it is a bundle and is none.
    """
    if not capture.body.startswith(b'{"bundle":'):
        return [Part(capture.name, capture.http_status, capture.body.decode("utf-8", "replace"))]
    try:
        told = mappings(mapping(orjson.loads(capture.body)).get("bundle"))
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"{capture.name}: the bundle is cut off or garbled ({error}); gather it again") from error
    return [Part(text(part.get("asked")), integer(part.get("status")), text(part.get("body"))) for part in told]
