from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.engines.xai import ENGINE
from crawlers.reading.wire import documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Capture, Status
from tests.crawlers.engines.replies import answer, body, reads_or_refuses, reply, spoiled
from tests.crawlers.engines.strategies import Mark, answers

RESPONSES = reply("xai/responses.json")
GRPC = reply("xai/grpc.json")


def test_only_what_the_text_links_to_is_cited() -> None:
    read = answer(ENGINE, RESPONSES)
    assert [(page.url, page.title, read.text[slice(*page.spans[0])]) for page in read.citations if page.spans[0]] == [
        ("https://ruby.test/", None, "[[1]](https://ruby.test/)"),
        ("https://news.test/4", None, "[news](https://news.test/4)"),
    ]


def test_sources_bare_annotations_and_the_list_of_everything_met_are_retrieved() -> None:
    assert [page.url for page in answer(ENGINE, RESPONSES).retrievals] == [
        "https://ruby.test/", "https://forum.test/", "https://x.com/i/status/1", "https://off-topic.test/",
        "https://met.test/",
    ]  # fmt: skip


def test_an_annotation_titles_the_link_it_selects_unless_it_only_numbers_it() -> None:
    told: Any = reply("xai/responses.json")
    told["output"][-1]["content"][0]["annotations"][0]["title"] = "Ruby"
    assert answer(ENGINE, told).citations[0].title == "Ruby"


def test_a_bare_address_in_the_text_is_cited_when_it_is_a_page_it_met() -> None:
    told: Any = reply("xai/responses.json")
    told["output"][-1]["content"][0]["text"] = "See https://off-topic.test/ or https://unmet.test/."
    assert [page.url for page in answer(ENGINE, told).citations] == ["https://off-topic.test/"]


def test_queries_of_both_forms_and_of_x_searches_are_read_and_opened_pages_are_none() -> None:
    assert answer(ENGINE, RESPONSES).queries == ("ruby version", "ruby news", "ruby")


def test_cost_is_exact() -> None:
    assert answer(ENGINE, RESPONSES).cost_usd == 0.01615085
    assert answer(ENGINE, GRPC).cost_usd == 0.00773975


def test_an_unknown_cost_is_unknown() -> None:
    told = {**RESPONSES, "usage": {}}
    assert answer(ENGINE, told).cost_usd is None


def test_a_grpc_reply_is_read_with_its_inline_citations() -> None:
    read = answer(ENGINE, GRPC)
    assert (read.status, read.text, read.queries) == (
        Status.GROUNDED, "[[1]](https://gate.test/) The Gate.", ("landmarks",),
    )  # fmt: skip
    assert [(page.url, page.spans) for page in read.citations] == [("https://gate.test/", ((0, 25),))]
    assert [page.url for page in read.retrievals] == ["https://tool.test/", "https://gate.test/", "https://list.test/"]
    assert str(read.asked_at) == "2026-01-16 17:05:05.789710"


def test_a_grpc_reply_that_ran_out_of_tokens_is_incomplete() -> None:
    told: Any = reply("xai/grpc.json")
    told["outputs"][-1]["finish_reason"] = "REASON_MAX_LEN"
    assert answer(ENGINE, told).status is Status.INCOMPLETE


def test_a_grpc_reply_without_a_search_is_ungrounded() -> None:
    told = {**GRPC, "outputs": GRPC["outputs"][-1:]}
    assert answer(ENGINE, told).status is Status.UNGROUNDED


def test_chat_replies_of_live_search_are_still_read() -> None:
    told = {
        "model": "grok-3",
        "choices": [{"finish_reason": "stop", "message": {"content": "So says [it](https://it.test/)."}}],
        "citations": ["https://it.test/", "https://met.test/"],
    }
    read = answer(ENGINE, told)
    assert read.status is Status.GROUNDED
    assert [page.url for page in read.citations] == ["https://it.test/"]
    assert [page.url for page in read.retrievals] == ["https://it.test/", "https://met.test/"]


@pytest.mark.parametrize("told", [
    {"code": "Gone", "error": "Live search is deprecated. Please switch to the Agent Tools API: https://docs.test"},
    {"error": {"message": "Live search is deprecated. Please switch to the Agent Tools API"}},
])  # fmt: skip
def test_live_search_is_retired(told: dict[str, object]) -> None:
    assert answer(ENGINE, told).status is Status.RETIRED


def test_a_410_is_retired_whatever_it_says() -> None:
    (read,) = ENGINE.read(Capture("xai", b'{"error": "gone"}', http_status=410))
    assert read.status is Status.RETIRED


def test_another_error_is_an_error() -> None:
    assert answer(ENGINE, {"code": "The service is overloaded", "error": "try later"}).status is Status.ERROR


def test_another_providers_reply_is_refused() -> None:
    with pytest.raises(Unreadable, match="another provider"):
        answer(ENGINE, {"candidates": []})


@given(
    answers(
        "xai",
        mark=Mark.NUMBERED_LINK,
        statuses=[
            Status.GROUNDED, Status.UNGROUNDED, Status.INCOMPLETE, Status.ERROR, Status.RETIRED,
        ],
        costs=st.none() | st.integers(0, 10**13).map(lambda ticks: ticks / 1e10),
    ).filter(lambda said: not any((page.title or "").isdigit() for page in said.citations))
)  # fmt: skip
def test_what_is_rendered_is_read_back(said: Answer) -> None:
    assert ENGINE.read(Capture("xai", ENGINE.render(said))) == (said,)


@given(spoiled(RESPONSES) | spoiled(GRPC))
def test_a_spoiled_reply_is_read_or_refused(told: object) -> None:
    reads_or_refuses(ENGINE, told)


@pytest.mark.parametrize("name", ["responses.json", "grpc.json"])
def test_it_claims_its_own_replies(name: str) -> None:
    assert ENGINE.claims(documents(body(f"xai/{name}"), name))


@pytest.mark.parametrize(
    "name", ["openai/search.json", "openai/stream.sse.txt", "groq/compound.json", "openrouter/chat.json"]
)
def test_it_does_not_claim_the_replies_of_others(name: str) -> None:
    assert not ENGINE.claims(documents(body(name), name))
