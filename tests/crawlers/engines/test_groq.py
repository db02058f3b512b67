from typing import Any

import pytest
from hypothesis import given

from crawlers.engines.groq import ENGINE
from crawlers.reading.wire import documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Capture, Status
from tests.crawlers.engines.replies import answer, body, reads_or_refuses, reply, spoiled
from tests.crawlers.engines.strategies import answers

COMPOUND = reply("groq/compound.json")
STREAM = documents(body("groq/stream.sse.txt"), "stream")


def test_cited_is_what_the_text_links_to_or_names_among_the_results() -> None:
    read = answer(ENGINE, COMPOUND)
    assert [(page.url, page.title) for page in read.citations] == [
        ("https://sf.test/", "SF"), ("https://wx.test/a", "WX"),
    ]  # fmt: skip
    assert [read.text[slice(*span)] for page in read.citations for span in page.spans if span] == [
        "([SF](https://sf.test/))",
        "https://wx.test/a",
    ]


def test_results_of_every_executed_tool_and_visited_pages_are_retrieved() -> None:
    assert [page.url for page in answer(ENGINE, COMPOUND).retrievals] == [
        "https://sf.test/", "https://wx.test/a", "https://unused.test/", "https://visited.test/",
    ]  # fmt: skip


def test_queries_come_from_searches() -> None:
    read = answer(ENGINE, COMPOUND)
    assert (read.queries, read.status, read.model_served) == (("weather sf",), Status.GROUNDED, "groq/compound")


def test_a_marker_cites_the_page_its_tool_call_opened_and_one_of_a_list_cites_none() -> None:
    read = answer(ENGINE, STREAM)
    assert [(page.url, page.title, page.occurrences) for page in read.citations] == [("https://two.test/", "Two", 1)]
    assert [read.text[slice(*span)] for span in read.citations[0].spans if span] == ["【1†L6-L10】"]


def test_deltas_of_a_tool_are_joined_by_its_index() -> None:
    read = answer(ENGINE, STREAM)
    assert read.queries == ("ai news",)
    assert [page.url for page in read.retrievals] == ["https://one.test/", "https://two.test/"]
    assert (read.text, read.status) == ("Two won 【1†L6-L10】, lists say 【0†L1-L2】.", Status.GROUNDED)


def test_a_stream_cut_off_before_its_finish_reason_is_incomplete() -> None:
    assert answer(ENGINE, STREAM[:-1]).status is Status.INCOMPLETE


def test_an_answer_without_tools_is_ungrounded() -> None:
    told: Any = reply("groq/compound.json")
    del told["choices"][0]["message"]["executed_tools"]
    assert answer(ENGINE, told).status is Status.UNGROUNDED


def test_results_told_as_a_plain_list_are_read() -> None:
    told: Any = reply("groq/compound.json")
    tool = told["choices"][0]["message"]["executed_tools"][0]
    tool["search_results"] = tool["search_results"]["results"]
    assert len(answer(ENGINE, told).retrievals) == 4


def test_annotations_of_documents_and_functions_are_known_and_others_are_counted() -> None:
    told: Any = reply("groq/compound.json")
    told["choices"][0]["message"]["annotations"] = [{"type": "document_citation"}, {"type": "scent"}]
    assert answer(ENGINE, told).skipped_blocks == 1


def test_responses_are_read() -> None:
    told = {**reply("openai/azure.json"), "model": "openai/gpt-oss-120b"}
    read = answer(ENGINE, told)
    assert (read.engine, [page.url for page in read.citations]) == ("groq", ["https://met.test/today"])
    assert ENGINE.claims([told])


def test_an_error_is_an_answer_without_text() -> None:
    read = answer(ENGINE, {"error": {"message": "Rate limit", "type": "tokens", "code": "rate_limit_exceeded"}})
    assert (read.status, read.text) == (Status.ERROR, "")


def test_another_providers_reply_is_refused() -> None:
    with pytest.raises(Unreadable, match="another provider"):
        answer(ENGINE, {"candidates": []})


@given(
    answers(
        "groq",
        cited_are_retrieved=True,
        statuses=[Status.GROUNDED, Status.UNGROUNDED, Status.INCOMPLETE, Status.BLOCKED, Status.ERROR],
    )
)
def test_what_is_rendered_is_read_back(said: Answer) -> None:
    read = ENGINE.read(Capture("groq", ENGINE.render(said)))
    assert read == (said,)


@given(spoiled(COMPOUND) | spoiled(STREAM))
def test_a_spoiled_reply_is_read_or_refused(told: object) -> None:
    reads_or_refuses(ENGINE, told)


@pytest.mark.parametrize("name", ["compound.json", "stream.sse.txt"])
def test_it_claims_its_own_replies(name: str) -> None:
    assert ENGINE.claims(documents(body(f"groq/{name}"), name))


@pytest.mark.parametrize(
    "name", ["openai/chat_search.json", "openai/search.json", "xai/grpc.json", "openrouter/chat.json"]
)
def test_it_does_not_claim_the_replies_of_others(name: str) -> None:
    assert not ENGINE.claims(documents(body(name), name))
