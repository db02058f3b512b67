"""What each provider is sent, to the letter."""

import asyncio
from types import ModuleType
from typing import Any

import orjson
import pytest

from crawlers.base import Asking, Reply, Request, Service
from crawlers.engines import anthropic, gemini, groq, openai, openrouter, perplexity, xai
from geo_flywheel.errors import ConfigError, NoReply, Unreadable
from geo_flywheel.records import Ask, Capture, Prompt, Status
from tests.crawlers.asking.waiting import Waiting, reply

PROVIDERS = (openai, anthropic, gemini, perplexity, xai, groq, openrouter)
PLAIN = Prompt("best crm?")
PLACED = Prompt("best crm?", locale="de-AT", persona="a baker", location="Vienna, AT")
SOMEWHERE = {"type": "approximate", "country": "AT", "city": "Vienna"}


def service(provider: ModuleType, **fields: Any) -> Service:
    asking: Asking = provider.ENGINE.asking
    plain = {"engine": asking.engines[0], "url": asking.url, "keys": dict.fromkeys(asking.keys, "s3cret")}
    return Service(**plain | fields)


def put(provider: ModuleType, http: Waiting, ask: Ask, service: Service) -> Reply:
    """Put the question and return the reply that holds the answer."""

    async def waited() -> Reply:
        asking: Asking = provider.ENGINE.asking
        return await asking.ask(http, ask, service)

    return asyncio.run(waited())


def asked(provider: ModuleType, prompt: Prompt = PLAIN, requested: str | None = None, **fields: Any) -> Request:
    http = Waiting(reply({}))
    put(provider, http, Ask(prompt, requested), service(provider, **fields))
    (request,) = http.requests
    return request


def body(provider: ModuleType, prompt: Prompt = PLAIN, **fields: Any) -> Any:
    return orjson.loads(asked(provider, prompt, **fields).body)


JSON = {"content-type": "application/json", "accept": "application/json"}
BEARER = JSON | {"authorization": "Bearer s3cret"}


@pytest.mark.parametrize(
    ("provider", "url", "headers", "sent"),
    [
        (
            openai,
            "https://api.openai.com/v1/responses",
            BEARER,
            {
                "model": "gpt-6.1-sol",
                "input": "best crm?",
                "tools": [
                    {
                        "type": "web_search",
                        "search_context_size": "medium",
                        "user_location": {"type": "approximate"},
                    }
                ],
                "tool_choice": "auto",
                "include": ["web_search_call.action.sources"],
                "max_tool_calls": 5,
                "max_output_tokens": 16000,
            },
        ),
        (
            anthropic,
            "https://api.anthropic.com/v1/messages",
            JSON | {"x-api-key": "s3cret", "anthropic-version": "2023-06-01"},
            {
                "model": "claude-sonnet-5-5",
                "max_tokens": 8192,
                "messages": [{"role": "user", "content": "best crm?"}],
                "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 5}],
            },
        ),
        (
            gemini,
            "https://generativelanguage.googleapis.com/v1beta/models/gemini-3.8-flash:generateContent",
            JSON | {"x-goog-api-key": "s3cret"},
            {
                "contents": [{"role": "user", "parts": [{"text": "best crm?"}]}],
                "tools": [{"googleSearch": {}}],
                "generationConfig": {"maxOutputTokens": 16000},
            },
        ),
        (
            perplexity,
            "https://api.perplexity.ai/v1/agent",
            BEARER,
            {
                "model": "perplexity/sonar",
                "input": "best crm?",
                "tools": [{"type": "web_search"}],
                "tool_choice": {"type": "web_search"},
                "max_steps": 5,
                "max_output_tokens": 8192,
            },
        ),
        (
            xai,
            "https://api.x.ai/v1/responses",
            BEARER,
            {
                "model": "grok-4.6",
                "input": [{"role": "user", "content": "best crm?"}],
                "tools": [{"type": "web_search"}, {"type": "x_search"}],
                "include": ["web_search_call.action.sources"],
                "max_output_tokens": 16000,
            },
        ),
        (
            groq,
            "https://api.groq.com/openai/v1/chat/completions",
            BEARER,
            {
                "model": "openai/gpt-oss-120b",
                "messages": [{"role": "user", "content": "best crm?"}],
                "tools": [{"type": "browser_search"}],
                "max_completion_tokens": 8192,
            },
        ),
        (
            openrouter,
            "https://openrouter.ai/api/v1/chat/completions",
            BEARER,
            {
                "model": "openai/gpt-6.1-sol",
                "messages": [{"role": "user", "content": "best crm?"}],
                "tools": [{"type": "openrouter:web_search", "parameters": {"max_uses": 5, "engine": "native"}}],
                "max_tokens": 16000,
            },
        ),
    ],
    ids=lambda value: value.__name__.rpartition(".")[2] if isinstance(value, ModuleType) else "",
)
def test_a_plain_prompt_is_sent_as_documented(
    provider: ModuleType, url: str, headers: dict[str, str], sent: object
) -> None:
    request = asked(provider)
    assert (request.method, request.url, request.headers) == ("POST", url, headers)
    assert orjson.loads(request.body) == sent


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_ask_is_paid_tells_its_secret_and_keeps_it_out_of_address_and_body(provider: ModuleType) -> None:
    request = asked(provider)
    assert (request.secrets, request.paid, request.public) == (("s3cret",), True, False)
    assert "s3cret" not in request.url
    assert b"s3cret" not in request.body


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_reply_is_returned_as_it_came(provider: ModuleType) -> None:
    came = reply({"error": {"message": "no"}}, 400)
    assert put(provider, Waiting(came), Ask(PLAIN), service(provider)) is came


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("keys", [{}, {"OTHER_API_KEY": "x"}])
def test_without_its_key_nothing_is_sent(provider: ModuleType, keys: dict[str, str]) -> None:
    http = Waiting()
    with pytest.raises(ConfigError, match="_API_KEY is not set"):
        put(provider, http, Ask(PLAIN), service(provider, keys=keys))
    assert not http.requests


@pytest.mark.parametrize("provider", [openai, anthropic, perplexity, xai, groq, openrouter])
def test_the_model_of_the_ask_is_sent_else_the_configured_one(provider: ModuleType) -> None:
    assert body(provider, requested="of/ask", model="of/configuration")["model"] == "of/ask"
    assert body(provider, model="of/configuration")["model"] == "of/configuration"


@pytest.mark.parametrize("model", ["gemini-4", "models/gemini-4"])
def test_gemini_has_the_model_in_its_address(model: str) -> None:
    assert asked(gemini, model=model).url.endswith("/v1beta/models/gemini-4:generateContent")


def test_a_model_cannot_lead_gemini_elsewhere() -> None:
    assert asked(gemini, model="../x?key=1").url.endswith("/v1beta/models/..%2Fx%3Fkey%3D1:generateContent")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/sandbox", "http://127.0.0.1:8080/sandbox/"])
def test_another_address_takes_the_place_of_the_providers_own(provider: ModuleType, url: str) -> None:
    own = asked(provider).url.removeprefix(provider.ENGINE.asking.url)
    assert asked(provider, url=url).url == f"http://127.0.0.1:8080/sandbox{own}"


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        (openai, {"user_location": SOMEWHERE}),
        (anthropic, {"user_location": SOMEWHERE}),
        (perplexity, {"user_location": {"country": "AT", "city": "Vienna"}}),
        (xai, {"user_location": SOMEWHERE}),
    ],
)
def test_the_place_of_the_prompt_is_told_to_the_search(provider: ModuleType, told: dict[str, object]) -> None:
    tool = body(provider, PLACED)["tools"][0]
    assert tool == body(provider)["tools"][0] | told


def test_openrouter_is_told_the_place_among_the_parameters() -> None:
    assert body(openrouter, PLACED)["tools"][0]["parameters"]["user_location"] == SOMEWHERE


def test_the_place_of_the_prompt_comes_before_a_configured_one() -> None:
    options = {"tool": {"user_location": {"type": "approximate", "country": "GB"}}}
    assert body(openai, options=options)["tools"][0]["user_location"]["country"] == "GB"
    assert body(openai, PLACED, options=options)["tools"][0]["user_location"] == SOMEWHERE


@pytest.mark.parametrize("provider", [openai, perplexity])
def test_the_person_stands_in_the_instructions(provider: ModuleType) -> None:
    assert body(provider, PLACED)["instructions"] == "The person asking: a baker"


def test_anthropic_is_told_the_person_as_the_system() -> None:
    assert body(anthropic, PLACED)["system"] == "The person asking: a baker"


def test_gemini_is_told_person_and_place_in_words() -> None:
    said = "The person asking: a baker\nThe person asking is in: Vienna, AT"
    assert body(gemini, PLACED)["systemInstruction"] == {"parts": [{"text": said}]}


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        (xai, "The person asking: a baker"),
        (groq, "The person asking: a baker\nThe person asking is in: Vienna, AT"),
        (openrouter, "The person asking: a baker"),
    ],
)
def test_the_person_stands_in_a_message_before_the_prompt(provider: ModuleType, said: str) -> None:
    sent = body(provider, PLACED)
    assert (sent.get("messages") or sent["input"])[:2] == [
        {"role": "system", "content": said},
        {"role": "user", "content": "best crm?"},
    ]


def test_perplexity_is_told_the_language() -> None:
    assert body(perplexity, PLACED)["language_preference"] == "de"


def test_a_preset_of_perplexity_brings_its_own_search() -> None:
    assert body(perplexity, model="fast") == {
        "preset": "fast",
        "input": "best crm?",
        "max_steps": 5,
        "max_output_tokens": 8192,
    }


@pytest.mark.parametrize("model", ["groq/compound", "groq/compound-mini", "compound-beta"])
def test_compound_is_given_no_tool(model: str) -> None:
    assert "tools" not in body(groq, model=model)


def test_xai_searches_posts_only_when_told_to() -> None:
    assert body(xai, options={"x_search": False})["tools"] == [{"type": "web_search"}]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_fields_of_tool_and_request_are_configuration(provider: ModuleType) -> None:
    sent = body(provider, options={"tool": {"filters": {"a": 1}}, "request": {"temperature": 0.5}})
    tool = sent["tools"][0]
    assert {"filters": {"a": 1}}.items() <= (tool.get("parameters") or tool.get("googleSearch") or tool).items()
    assert sent["temperature"] == 0.5
    assert sent.keys() - {"temperature"} == body(provider).keys()


def test_an_empty_value_takes_a_field_out() -> None:
    assert "tool_choice" not in body(perplexity, options={"request": {"tool_choice": ""}})
    assert "include" not in body(openai, options={"request": {"include": []}})


@pytest.mark.parametrize(
    ("provider", "options", "message"),
    [
        (openai, {"max_searches": 0}, "max_searches of openai must be a whole number of 1 or more"),
        (anthropic, {"max_output_tokens": "many"}, "max_output_tokens of anthropic must be a whole number"),
        (anthropic, {"max_continuations": -1}, "max_continuations of anthropic must be a whole number of 0 or more"),
        (gemini, {"tool": "search"}, "tool of gemini must be a table"),
        (xai, {"x_search": 1}, "x_search of xai must be true or false"),
        (groq, {"max_output_tokens": True}, "max_output_tokens of groq must be a whole number"),
    ],
)
def test_an_option_of_another_kind_is_an_error(provider: ModuleType, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        asked(provider, options=options)


def paused_turn(number: int) -> Reply:
    found = {"type": "web_search_result", "url": f"https://page{number}.test/", "title": "P"}
    content = [
        {"type": "server_tool_use", "id": f"s{number}", "name": "web_search", "input": {"query": f"crm {number}"}},
        {"type": "web_search_tool_result", "tool_use_id": f"s{number}", "content": [found]},
    ]
    return reply(
        {"type": "message", "model": "claude-x", "stop_reason": "pause_turn", "content": content, "usage": spent(10)}
    )


def spent(tokens: int) -> dict[str, object]:
    return {"input_tokens": tokens, "output_tokens": 1, "server_tool_use": {"web_search_requests": 1}, "tier": "x"}


LAST = {
    "type": "message",
    "model": "claude-x",
    "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "Take it."}],
    "usage": spent(20),
}


def continued(*replies: Reply | Exception, **options: object) -> tuple[Reply, list[Request]]:
    http = Waiting(*replies)
    came = put(anthropic, http, Ask(PLAIN), service(anthropic, options=options))
    return came, http.requests


def test_a_paused_turn_is_sent_back_unchanged_and_goes_on() -> None:
    first = paused_turn(1)
    _, (one, two) = continued(first, reply(LAST))
    before, after = orjson.loads(one.body), orjson.loads(two.body)
    assert after.pop("messages") == [*before.pop("messages"), {"role": "assistant", "content": told(first)["content"]}]
    assert (before, one.url, one.headers, one.secrets) == (after, two.url, two.headers, two.secrets)


def told(came: Reply) -> Any:
    return orjson.loads(came.body)


def test_the_turns_of_an_answer_are_read_as_one() -> None:
    came, _ = continued(paused_turn(1), paused_turn(2), reply(LAST), max_continuations=2)
    (answer,) = anthropic.read(Capture("anthropic", came.body))
    assert (answer.status, answer.text, answer.queries) == (Status.GROUNDED, "Take it.", ("crm 1", "crm 2"))
    assert [page.url for page in answer.retrievals] == ["https://page1.test/", "https://page2.test/"]
    assert told(came)["usage"] == {
        "input_tokens": 40,
        "output_tokens": 3,
        "server_tool_use": {"web_search_requests": 3},
        "tier": "x",
    }
    assert (came.seconds, came.attempts, came.unanswered) == (3.0, 3, 0)


def test_a_turn_that_pauses_again_and_again_is_cut_off() -> None:
    came, requests = continued(paused_turn(1), paused_turn(2), reply(LAST))
    assert len(requests) == 2
    assert anthropic.read(Capture("anthropic", came.body))[0].status is Status.INCOMPLETE


@pytest.mark.parametrize(
    "following",
    [
        reply({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, 529, unanswered=1),
        reply(b"<html>"),
        reply([]),
        Unreadable("too large"),
    ],
)
def test_what_was_said_stands_when_it_cannot_go_on(following: Reply | Exception) -> None:
    first = paused_turn(1)
    came, requests = continued(first, following)
    assert (came.body, came.status, len(requests)) == (first.body, 200, 2)


def test_a_continuation_that_may_have_been_billed_is_counted() -> None:
    came, _ = continued(paused_turn(1), NoReply("timed out", unanswered=2))
    assert came.unanswered == 2


@pytest.mark.parametrize("first", [reply(LAST), reply(b"not json"), reply(told(paused_turn(1)) | {"content": []})])
def test_a_turn_that_does_not_pause_is_not_continued(first: Reply) -> None:
    came, requests = continued(first)
    assert came is first
    assert len(requests) == 1


def test_no_continuation_is_a_choice() -> None:
    came, requests = continued(first := paused_turn(1), max_continuations=0)
    assert (came, len(requests)) == (first, 1)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"message": "Sonar is now the Agent API", "type": "forbidden", "code": 403}, Status.RETIRED),
        ({"message": "x", "code": "agent_api_migration_required"}, Status.RETIRED),
        ({"message": "x", "type": "chat_completions_not_available"}, Status.RETIRED),
        ({"message": "Your key may not do this", "type": "forbidden", "code": 403}, Status.ERROR),
    ],
)
def test_a_403_of_perplexity_that_says_it_moved_is_retired_and_no_bad_key(error: object, status: Status) -> None:
    http = Waiting(reply({"error": error}, 403))
    came = put(perplexity, http, Ask(PLAIN), service(perplexity))
    assert perplexity.read(Capture("perplexity", came.body, http_status=came.status))[0].status is status
