"""Failures a provider reports in the body of its reply, and what the status of such an answer is."""

from collections.abc import Sequence

from crawlers.reading.lenient import mapping, text
from crawlers.reading.wire import Document
from geo_flywheel.records import Answer, Capture, Status

_GONE = 410
_BLOCKED = ("content_filter", "content_policy", "policy_violation", "bio_policy", "moderation", "responsibleai")


def failure(documents: Sequence[Document]) -> Status | None:
    """Return what the first failure among the documents amounts to; None when none of them reports one."""
    for document in documents:
        reported = document.get("error")
        if reported and isinstance(reported, dict | str):
            return failed(mapping(reported) or {"message": reported}, document)
        if document.get("type") == "error":
            return failed(document, document)
    return None


def failed(error: Document, around: Document | None = None) -> Status:
    """Return `BLOCKED` when a content filter stopped it, `RETIRED` when the service is no more, else `ERROR`."""
    told = (error.get("code"), error.get("type"), error.get("message"), mapping(around).get("code"))
    words = " ".join(text(value).lower() for value in told)
    if "deprecated" in words and "switch to" in words:
        return Status.RETIRED
    reasons = mapping(error.get("metadata")).get("reasons")
    return Status.BLOCKED if reasons or any(mark in words for mark in _BLOCKED) else Status.ERROR


def nothing_said(capture: Capture, provider: str, status: Status) -> Answer:
    """Return the answer of a reply that is nothing but a failure."""
    gone = capture.http_status == _GONE
    return Answer(
        provider=provider,
        engine=provider,
        surface="api",
        status=Status.RETIRED if gone else status,
        text="",
        asked_at=capture.asked_at,
        ask=capture.ask,
    )
