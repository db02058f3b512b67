"""What a request asks: at whose door it knocks, which engine shall answer, and which prompt of the market it puts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from crawlers.sandbox.serving import Received
from geo_flywheel.records import Prompt

ENGINES = (
    "openai", "anthropic", "gemini", "perplexity", "xai", "groq", "openrouter", "mistral", "you", "brave",
    "google_ai_overview", "google_ai_mode",
)  # fmt: skip
_ENDPOINTS = {
    "openai": r"POST /v1/responses",
    "anthropic": r"POST /v1/messages",
    "gemini": r"POST /v1beta/models/(?P<model>[^/:]+):generateContent",
    "perplexity": r"POST /v1/agent",
    "xai": r"POST /v1/responses",
    "groq": r"POST /openai/v1/chat/completions",
    "openrouter": r"POST /api/v1/chat/completions",
    "mistral": r"POST /v1/conversations",
    "you": r"POST /v1/answer",
    "brave": r"POST /res/v1/chat/completions",
    "serpapi": r"GET /search(?:\.json)?",
    "dataforseo": r"POST /v3/serp/google/(?P<engine>organic|ai_mode)/live/advanced",
}
_CREDENTIALS = ("authorization", "x-api-key", "x-goog-api-key", "x-subscription-token")
_GOOGLE = {"google_ai_mode": "google_ai_mode", "ai_mode": "google_ai_mode"}
_DEEPEST = 20


class Question(NamedTuple):
    """A request understood.

    Attributes:
        engine: Who shall answer.
        model: Model asked for, "" when none is named.
        prompt: Number of the prompt in the market, None for a question it does not know.
    """

    engine: str
    model: str
    prompt: int | None


class Prompts:
    """Finds the market's prompts in what is asked."""

    def __init__(self, prompts: Sequence[Prompt]) -> None:
        self._numbers = {prompt.text: number for number, prompt in enumerate(prompts)}

    def find(self, said: Sequence[str]) -> int | None:
        """Return the number of the prompt that one of the texts is, or else holds."""
        for text in said:
            if text in self._numbers:
                return self._numbers[text]
        return next((number for prompt, number in self._numbers.items() for text in said if prompt in text), None)


def understood(provider: str, received: Received, prompts: Prompts) -> Question | None:
    """Return what a request asks, its path being the one below the provider's address; None for an unknown door."""
    door = re.fullmatch(_ENDPOINTS.get(provider, ".*"), f"{received.method} {received.path}")
    if door is None:
        return None
    body = _json(received.body)
    told = body if isinstance(body, dict) else {}
    named = door.groupdict() | {name: value for name, value in received.query.items() if name == "engine"}
    return Question(
        _engine(provider, named.get("engine") or ""),
        named.get("model") or str(told.get("model") or ""),
        prompts.find([*_texts(body), *received.query.values()]),
    )


def has_credentials(received: Received) -> bool:
    """Return whether somebody pays for the request."""
    return "api_key" in received.query or any(received.headers.get(name) for name in _CREDENTIALS)


def _engine(provider: str, named: str) -> str:
    if provider in ENGINES:
        return provider
    return _GOOGLE.get(named, "google_ai_overview")


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return None


def _texts(told: Any, depth: int = 0) -> Iterator[str]:
    """Every text in a JSON value."""
    match told:
        case str():
            yield told
        case list() | dict() if depth < _DEEPEST:
            for part in told.values() if isinstance(told, Mapping) else told:
                yield from _texts(part, depth + 1)
