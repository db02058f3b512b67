"""Keep secrets out of whatever is written down: messages, addresses, headers, bodies."""

import base64
import json
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from urllib.parse import quote, quote_plus

from crawlers.base import Reply, Request

REDACTED = "REDACTED"
_CREDENTIALS = frozenset(
    {
        "api-key",
        "authorization",
        "cookie",
        "proxy-authorization",
        "x-api-key",
        "x-goog-api-key",
        "x-subscription-token",
    }
)
# What describes the journey of a body that is kept unpacked, and sessions that a server wants to begin.
_LEFT_OUT = frozenset(
    {"connection", "content-encoding", "content-length", "keep-alive", "set-cookie", "transfer-encoding"}
)


def secrets_of(request: Request) -> tuple[str, ...]:
    """Return every secret of a request: those it names, and what its headers carry as credentials."""
    carried = [value for name, value in request.headers.items() if name.lower() in _CREDENTIALS]
    return (*request.secrets, *carried, *(value.partition(" ")[2] for value in carried))


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return a text with every form of every secret replaced."""
    return redact_bytes(text.encode("utf-8", "surrogateescape"), secrets).decode("utf-8", "surrogateescape")


def redact_bytes(body: bytes, secrets: Iterable[str]) -> bytes:
    """Return bytes with every form of every secret replaced: plain, percent-encoded, in JSON, in Base64."""
    for form in _forms(tuple(secrets)):
        if form in body:
            body = body.replace(form, REDACTED.encode())
    return body


def redacted_request(request: Request) -> Request:
    """Return a request as it may be archived: without secrets, and with nothing in place of credentials."""
    secrets = secrets_of(request)
    return replace(
        request,
        url=redact(request.url, secrets),
        headers={
            name: REDACTED if name.lower() in _CREDENTIALS else redact(value, secrets)
            for name, value in request.headers.items()
        },
        body=redact_bytes(request.body, secrets),
        secrets=(),
    )


def redacted_reply(reply: Reply, secrets: Iterable[str]) -> Reply:
    """Return a reply without secrets that the other side repeats, and without headers of its journey or of sessions."""
    secrets = tuple(secrets)
    return replace(
        reply,
        url=redact(reply.url, secrets),
        headers=tuple((name, redact(value, secrets)) for name, value in reply.headers if name not in _LEFT_OUT),
        body=redact_bytes(reply.body, secrets),
    )


@lru_cache(maxsize=64)
def _forms(secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    """Every form a secret is met in, the longest first so that none leaves a rest of another."""
    forms = {form for secret in secrets if (plain := secret.strip()) for form in _spellings(plain)}
    return tuple(sorted((form.encode("utf-8", "surrogateescape") for form in forms), key=len, reverse=True))


def _spellings(secret: str) -> set[str]:
    encoded = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    return {
        secret,
        *encoded,
        *map(_lower_hexadecimal, encoded),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        base64.b64encode(secret.encode()).decode().rstrip("="),
    }


def _lower_hexadecimal(encoded: str) -> str:
    head, *rest = encoded.split("%")
    return head + "".join(f"%{part[:2].lower()}{part[2:]}" for part in rest)
