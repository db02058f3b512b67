from typing import Any

import orjson
import pytest
from hypothesis import given

from crawlers.reading.usage import Usage, usage
from tests.crawlers.engines.replies import body, reply, spoiled

GEMINI = {
    "candidates": [{"groundingMetadata": {"webSearchQueries": ["best crm", "", "crm prices"]}}],
    "usageMetadata": {
        "promptTokenCount": 10,
        "toolUsePromptTokenCount": 5,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 7,
    },
}


@pytest.mark.parametrize(
    ("told", "took"),
    [
        ({"usage": {"input_tokens": 3, "output_tokens": 4}}, Usage(3, 4, 0)),
        ({"usage": {"prompt_tokens": 3, "completion_tokens": 4}}, Usage(3, 4, 0)),
        (GEMINI, Usage(15, 27, 2)),
        (
            {
                "usage": {
                    "input_tokens": 1,
                    "cache_creation_input_tokens": 10,
                    "cache_read_input_tokens": 100,
                    "output_tokens": 2,
                    "server_tool_use": {"web_search_requests": 3},
                }
            },
            Usage(111, 2, 3),
        ),
        (
            {
                "usage": {
                    "prompt_tokens": 1,
                    "completion_tokens": 2,
                    "connector_tokens": 4,
                    "connectors": {"web_search": 2},
                }
            },
            Usage(5, 2, 2),
        ),
        (
            {
                "choices": [{"message": {"executed_tools": [{"type": "browser_search"}, {"type": "python"}]}}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 2},
            },
            Usage(1, 2, 1),
        ),
        ({"usage": {"output_tokens": 4}}, Usage(None, 4, 0)),
        ({"usage": {"input_tokens": "3", "output_tokens": -4}}, Usage(None, None, 0)),
        ({"output": []}, Usage(None, None, None)),
    ],
)
def test_tokens_and_searches_are_counted_as_each_provider_tells_them(told: Any, took: Usage) -> None:
    assert usage(orjson.dumps(told)) == took


def test_an_opened_page_and_a_search_that_failed_are_no_searches() -> None:
    assert usage(body("openai/search.json")) == Usage(1, 1, 1)


def test_a_stream_tells_at_its_end() -> None:
    events = [{"type": "response.created", "response": {}}, {"response": {"usage": {"input_tokens": 3}}}]
    stream = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)
    assert usage(stream) == Usage(3, None, 0)


@pytest.mark.parametrize("told", [b"", b"<html>", b"{", b"[1]"])
def test_what_cannot_be_read_tells_nothing(told: bytes) -> None:
    assert usage(told) == Usage(None, None, None)


@given(spoiled(GEMINI) | spoiled(reply("openai/search.json")) | spoiled(reply("groq/compound.json")))
def test_a_spoiled_reply_tells_counts_or_nothing(told: object) -> None:
    assert all(count is None or count >= 0 for count in usage(orjson.dumps(told)))
