"""What services that search are sent, to the letter, and that no secret stands where it is not named."""

import asyncio
from base64 import b64encode
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from crawlers.base import Asking, Reply, Request, Service
from crawlers.engines import brave, dataforseo, mistral, serpapi, you
from geo_flywheel.errors import ConfigError, Refused
from geo_flywheel.records import Ask, Capture, Prompt, Status
from tests.crawlers.asking.waiting import Waiting, reply
from tests.crawlers.engines.replies import body as captured

PROVIDERS = (mistral, you, brave, serpapi, dataforseo)
PLAIN = Prompt("best crm?")
OVERVIEW, MODE = "google_ai_overview", "google_ai_mode"
PAYING = "s3cret+/"
JSON = {"content-type": "application/json", "accept": "application/json"}
PAIR = b64encode(f"{PAYING}:{PAYING}".encode()).decode()


def service(provider: ModuleType, **fields: Any) -> Service:
    asking: Asking = provider.ENGINE.asking
    plain = {"engine": asking.engines[0], "url": asking.url, "keys": dict.fromkeys(asking.keys, PAYING)}
    return Service(**plain | fields)


def put(provider: ModuleType, http: Waiting, ask: Ask, **fields: Any) -> Reply:
    async def waited() -> Reply:
        asking: Asking = provider.ENGINE.asking
        return await asking.ask(http, ask, service(provider, **fields))

    return asyncio.run(waited())


def asked(provider: ModuleType, prompt: Prompt = PLAIN, requested: str | None = None, **fields: Any) -> Request:
    http = Waiting(reply({}))
    put(provider, http, Ask(prompt, requested), **fields)
    (request,) = http.requests
    return request


def sent(provider: ModuleType, prompt: Prompt = PLAIN, requested: str | None = None, **fields: Any) -> Any:
    """The body, or for a search by its address the fields of the query without the key."""
    request = asked(provider, prompt, requested, **fields)
    if request.body:
        told = orjson.loads(request.body)
        return told[0] if isinstance(told, list) else told
    return {name: value for name, value in parse_qsl(urlsplit(request.url).query) if name != "api_key"}


@pytest.mark.parametrize(
    ("provider", "url", "headers", "told"),
    [
        (
            mistral,
            "https://api.mistral.ai/v1/conversations",
            JSON | {"authorization": f"Bearer {PAYING}"},
            {
                "model": "mistral-medium-latest",
                "inputs": "best crm?",
                "tools": [{"type": "web_search"}],
                "store": False,
                "stream": False,
            },
        ),
        (you, "https://api.you.com/v1/answer", JSON | {"x-api-key": PAYING}, {"query": "best crm?"}),
        (
            brave,
            "https://api.search.brave.com/res/v1/chat/completions",
            JSON | {"accept": "text/event-stream", "x-subscription-token": PAYING},
            {
                "enable_citations": True,
                "model": "brave",
                "messages": [{"role": "user", "content": "best crm?"}],
                "stream": True,
            },
        ),
        (
            dataforseo,
            "https://api.dataforseo.com/v3/serp/google/organic/live/advanced",
            JSON | {"authorization": f"Basic {PAIR}"},
            [
                {
                    "location_code": 2840,
                    "language_code": "en",
                    "device": "desktop",
                    "load_async_ai_overview": True,
                    "keyword": "best crm?",
                }
            ],
        ),
    ],
)
def test_a_question_is_posted(provider: ModuleType, url: str, headers: dict[str, str], told: Any) -> None:
    request = asked(provider)
    assert (request.method, request.url, dict(request.headers), request.paid) == ("POST", url, headers, True)
    assert orjson.loads(request.body) == told


def test_a_search_is_asked_for_by_its_address() -> None:
    request = asked(serpapi)
    assert request.url == (
        "https://serpapi.com/search.json?engine=google&q=best%20crm%3F&device=desktop&no_cache=true"
        "&api_key=s3cret%2B%2F"
    )
    assert (request.method, request.body, dict(request.headers)) == ("GET", b"", {"accept": "application/json"})
    assert request.paid


@pytest.mark.parametrize("engine", [OVERVIEW, MODE])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_the_secrets_named_nothing_of_them_is_left(provider: ModuleType, engine: str) -> None:
    request = asked(provider, engine=engine)
    text = f"{request.url} {dict(request.headers)} {request.body.decode()}"
    assert text != (text := _without(text, request.secrets))
    assert "s3cret" not in text
    assert PAIR not in text


def _without(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, "")
    return text


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_missing_secret_is_named_before_anything_is_sent(provider: ModuleType) -> None:
    asking: Asking = provider.ENGINE.asking
    for name in asking.keys:
        http = Waiting()
        with pytest.raises(ConfigError, match=name):
            put(provider, http, Ask(PLAIN), keys={key: PAYING for key in asking.keys if key != name})
        assert http.requests == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_address_may_be_another(provider: ModuleType) -> None:
    url = asked(provider, url="http://127.0.0.1:8000/under/").url
    assert url.startswith("http://127.0.0.1:8000/under/")
    assert "//" not in url.removeprefix("http://")


@pytest.mark.parametrize("provider", [mistral, brave])
def test_the_model_is_that_of_the_plan_else_the_configured_one(provider: ModuleType) -> None:
    assert sent(provider, model="other")["model"] == "other"
    assert sent(provider, requested="planned", model="other")["model"] == "planned"


@pytest.mark.parametrize(
    ("provider", "locale", "fields"),
    [
        (you, "en-US", {"country": "US", "language": "EN"}),
        (you, "en-GB", {"country": "GB", "language": "EN-GB"}),
        (you, "pt-BR", {"country": "BR", "language": "PT-BR"}),
        (you, "pt", {"language": "PT-PT"}),
        (you, "zh-TW", {"country": "TW", "language": "ZH-HANT"}),
        (brave, "de-AT", {"country": "at", "language": "de"}),
        (brave, "zh-CN", {"country": "cn", "language": "zh-hans"}),
        (serpapi, "de-AT", {"gl": "at", "hl": "de"}),
        (serpapi, "en-GB", {"gl": "uk", "hl": "en"}),
        (serpapi, "zh-HK", {"gl": "hk", "hl": "zh-tw"}),
        (dataforseo, "de-AT", {"location_code": 2040, "language_code": "de"}),
        (dataforseo, "en-GB", {"location_code": 2826, "language_code": "en"}),
        (dataforseo, "zh-TW", {"location_code": 2158, "language_code": "zh-TW"}),
        (dataforseo, "fr", {"location_code": 2840, "language_code": "fr"}),
    ],
)
def test_the_locale_of_a_prompt_is_told_in_the_words_of_the_service(
    provider: ModuleType, locale: str, fields: dict[str, Any]
) -> None:
    told = sent(provider, Prompt("best crm?", locale=locale))
    assert {name: told.get(name) for name in fields} == fields


def test_the_city_of_a_prompt_is_told_where_there_is_a_field_for_it() -> None:
    place = Prompt("best crm?", locale="en-GB", location="Austin, Texas, US")
    assert sent(serpapi, place) | {"location": "Austin, Texas", "gl": "us"} == sent(serpapi, place)
    assert "Austin" in sent(mistral, place)["instructions"]


@pytest.mark.parametrize(
    ("location", "fields"),
    [
        ("Austin, Texas, United States", {"location_name": "Austin,Texas,United States"}),
        ("1026201", {"location_code": 1026201}),
        ("Linz, AT", {"location_code": 1000936}),
        ("Graz, AT", {"location_name": "Graz,Styria,Austria"}),
        ("DE", {"location_code": 2276}),
        ("", {"location_code": 2826}),
    ],
)
def test_a_place_is_told_dataforseo_by_its_number_or_its_full_name(location: str, fields: dict[str, Any]) -> None:
    options = {"locations": {"Linz, AT": 1000936, "Graz, AT": "Graz,Styria,Austria"}}
    told = sent(dataforseo, Prompt("best crm?", locale="en-GB", location=location), options=options)
    assert {name: value for name, value in told.items() if name.startswith("location")} == fields


@pytest.mark.parametrize("prompt", [Prompt("x", location="Wien, AT"), Prompt("x", locale="en-XX")])
def test_a_place_dataforseo_does_not_know_is_refused(prompt: Prompt) -> None:
    with pytest.raises(Refused, match="options.locations"):
        asked(dataforseo, prompt)


def test_signs_that_dataforseo_decodes_are_encoded() -> None:
    assert sent(dataforseo, Prompt("c++ at 50%"))["keyword"] == "c%2B%2B at 50%25"


@pytest.mark.parametrize(("provider", "longest"), [(you, 400), (dataforseo, 700)])
def test_a_question_that_is_too_long_is_refused_before_it_is_sent(provider: ModuleType, longest: int) -> None:
    assert asked(provider, Prompt("x" * longest)).body
    http = Waiting()
    with pytest.raises(Refused, match=f"up to {longest} characters"):
        put(provider, http, Ask(Prompt("x" * (longest + 1))))
    assert http.requests == []


@pytest.mark.parametrize("provider", [you, brave, serpapi, dataforseo])
def test_a_persona_nobody_would_hear_of_is_refused(provider: ModuleType) -> None:
    with pytest.raises(Refused, match="who asks"):
        asked(provider, Prompt("x", persona="a baker"))


@pytest.mark.parametrize("provider", [you, brave])
def test_a_city_nobody_would_hear_of_is_refused(provider: ModuleType) -> None:
    with pytest.raises(Refused, match="no city"):
        asked(provider, Prompt("x", location="Vienna, AT"))


def test_mistral_is_told_who_asks() -> None:
    assert sent(mistral, Prompt("x", persona="a baker"))["instructions"] == "The person asking: a baker"


@pytest.mark.parametrize(
    ("provider", "options", "fields"),
    [
        (mistral, {"tool": {"type": "web_search_premium"}}, {"tools": [{"type": "web_search_premium"}]}),
        (mistral, {"request": {"store": True}}, {"store": True}),
        (you, {"request": {"freshness": "month"}}, {"freshness": "month"}),
        (brave, {"request": {"enable_research": True}}, {"enable_research": True, "enable_citations": None}),
        (serpapi, {"request": {"device": "mobile", "gl": "de"}}, {"device": "mobile", "gl": "de"}),
        (dataforseo, {"request": {"load_async_ai_overview": False}}, {"load_async_ai_overview": False}),
        (dataforseo, {"request": {"location_code": 2276}}, {"location_code": 2276}),
    ],
)
def test_options_take_the_place_of_defaults(
    provider: ModuleType, options: dict[str, Any], fields: dict[str, Any]
) -> None:
    told = sent(provider, options=options)
    assert {name: told.get(name) for name in fields} == fields


def test_what_the_prompt_says_goes_before_what_the_configuration_says() -> None:
    told = sent(serpapi, Prompt("x", locale="de-AT"), options={"request": {"gl": "us", "hl": "en"}})
    assert (told["gl"], told["hl"]) == ("at", "de")


def test_ai_mode_is_another_search() -> None:
    assert sent(serpapi, engine=MODE)["engine"] == MODE
    request = asked(dataforseo, engine=MODE)
    assert request.url == "https://api.dataforseo.com/v3/serp/google/ai_mode/live/advanced"
    assert "load_async_ai_overview" not in orjson.loads(request.body)[0]


def test_an_overview_that_comes_separately_is_fetched_by_its_token() -> None:
    last = reply(captured("serpapi/overview.json"))
    http = Waiting(reply(captured("serpapi/token.json")), last)
    assert put(serpapi, http, Ask(PLAIN)) is last
    assert http.requests[1].url == (
        "https://serpapi.com/search.json?engine=google_ai_overview&page_token=to%2Fken%2B1%3D&no_cache=true"
        "&api_key=s3cret%2B%2F"
    )
    assert http.requests[1].paid
    assert http.requests[1].secrets == http.requests[0].secrets


@pytest.mark.parametrize(
    "first",
    [
        reply(captured("serpapi/overview.json")),
        reply(captured("serpapi/not_shown.json")),
        reply(captured("serpapi/token.json"), status=500),
        reply(b"<html>"),
        reply([1]),
    ],
)
def test_nothing_more_is_fetched_without_a_token(first: Reply) -> None:
    assert put(serpapi, Waiting(first), Ask(PLAIN)) is first


def test_a_token_that_came_too_late_is_a_failed_answer() -> None:
    late = reply({"error": "The page_token expired."}, status=400)
    given = put(serpapi, Waiting(reply(captured("serpapi/token.json")), late), Ask(PLAIN))
    (read,) = serpapi.ENGINE.read(Capture("serpapi", given.body, http_status=given.status))
    assert read.status is Status.ERROR
