"""Turns of Anthropic that pause: what to send so that one goes on, and the one message that several turns make.

Source:
    `stop_reason` of the anthropic package 2.12: "pause_turn" is continued by sending the content back unchanged.
"""

from dataclasses import replace

import orjson

from crawlers.base import Reply
from crawlers.reading.lenient import integer, mapping, sequence
from crawlers.reading.wire import Document
from geo_flywheel.errors import CrawlError, NoReply

_OK = 200


def paused(reply: Reply) -> Document | None:
    """Return the assistant's message to send back, or None when the turn is over."""
    message = _message(reply)
    if message.get("stop_reason") != "pause_turn" or not sequence(message.get("content")):
        return None
    return {"role": "assistant", "content": message["content"]}


def continued(before: Reply, after: Reply) -> Reply:
    """Return one reply made of two turns; when the second brought no message, the first as it is.

    The first then still says that it paused, so that it is read as an answer that was cut off.
    """
    first, second = _message(before), _message(after)
    both = replace(
        after,
        sent_at=before.sent_at,
        seconds=before.seconds + after.seconds,
        attempts=before.attempts + after.attempts,
        unanswered=before.unanswered + after.unanswered,
    )
    if not isinstance(second.get("content"), list):
        return replace(both, status=before.status, headers=before.headers, body=before.body, url=before.url)
    content = [*sequence(first.get("content")), *second["content"]]
    usage = _added(mapping(first.get("usage")), mapping(second.get("usage")))
    return replace(both, body=orjson.dumps(second | {"content": content, "usage": usage}))


def cut_off(before: Reply, error: CrawlError) -> Reply:
    """Return the turn after which nothing came: what was said is paid for, and stands as an answer that was cut off."""
    unanswered = error.unanswered if isinstance(error, NoReply) else 0
    return replace(before, unanswered=before.unanswered + unanswered)


def _message(reply: Reply) -> Document:
    try:
        return mapping(orjson.loads(reply.body)) if reply.status == _OK else {}
    except orjson.JSONDecodeError:
        return {}


def _added(first: Document, second: Document) -> Document:
    """Counts of both, nested ones too; what is no count stays as the second says it."""
    added = first | second
    for name in first.keys() & second.keys():
        one, other = first[name], second[name]
        if isinstance(one, dict) and isinstance(other, dict):
            added[name] = _added(one, other)
        elif integer(one) is not None and integer(other) is not None:
            added[name] = one + other
    return added
