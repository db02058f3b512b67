from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.engines.perplexity import ENGINE
from crawlers.reading.wire import documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Capture, Status
from tests.crawlers.engines.replies import answer, body, reads_or_refuses, reply, spoiled
from tests.crawlers.engines.strategies import Mark, answers

AGENT = reply("perplexity/agent.json")
STREAM = documents(body("perplexity/agent.sse.txt"), "stream")
SONAR = reply("perplexity/sonar.json")
CHUNKS = documents(body("perplexity/sonar.sse.txt"), "chunks")


def _agent(text: str | None = None, annotations: list[Any] | None = None) -> Any:
    told = reply("perplexity/agent.json")
    content = told["output"][-1]["content"][0]
    content["text"] = content["text"] if text is None else text
    content["annotations"] = annotations or []
    return told


def _selected(read: Answer) -> dict[str, list[str | None]]:
    return {page.url: [span and read.text[slice(*span)] for span in page.spans] for page in read.citations}


def test_a_marker_cites_the_result_with_its_id() -> None:
    read = answer(ENGINE, AGENT)
    assert _selected(read) == {
        "https://two.test/": ["[2]"],
        "https://one.test/": ["[1]", "[1, 4]"],
        "https://four.test/": ["[1, 4]", "[web:4]"],
    }
    assert [(page.position, page.title) for page in read.citations] == [(1, "Two"), (2, "One"), (3, "Four")]


def test_of_two_results_with_one_id_the_first_is_meant() -> None:
    assert "https://other.test/" not in _selected(answer(ENGINE, AGENT))


def test_a_link_and_a_number_without_a_source_cite_nothing() -> None:
    assert _selected(answer(ENGINE, _agent("See [3](https://three.test/), [9], [0] and [1000]."))) == {}


def test_all_results_and_fetched_pages_are_retrieved() -> None:
    assert [page.url for page in answer(ENGINE, AGENT).retrievals] == [
        *(f"https://{name}.test/" for name in ("one", "two", "three", "other", "four", "fetched")),
    ]


def test_what_the_reply_tells_of_itself() -> None:
    read = answer(ENGINE, AGENT)
    assert (read.status, read.queries, read.model_served) == (
        Status.GROUNDED,
        ("best crm 2026", "crm prices"),
        "perplexity/sonar",
    )
    assert (read.cost_usd, read.asked_at, read.skipped_blocks) == (0.0055, datetime(2026, 5, 28, 20, 26, 40), 0)


def test_a_cost_in_another_currency_is_not_told() -> None:
    told = _agent()
    told["usage"]["cost"]["currency"] = "EUR"
    assert answer(ENGINE, told).cost_usd is None


def test_an_annotation_cites_a_page_no_marker_names() -> None:
    annotations = [
        {"type": "citation", "url": "https://one.test/", "start_index": 0, "end_index": 4},
        {"type": "citation", "url": "https://new.test/", "title": "New", "start_index": 5, "end_index": 9},
        {"type": "citation", "url": "https://far.test/", "start_index": 5, "end_index": 99},
        {"type": "citation", "start_index": 5, "end_index": 9},
    ]
    read = answer(ENGINE, _agent("Good [1].", annotations))
    assert _selected(read) == {"https://one.test/": ["[1]"], "https://new.test/": ["[1]."], "https://far.test/": [None]}


def test_thoughts_are_no_part_of_the_answer_and_offsets_fit_what_is_left() -> None:
    annotations = [{"url": "https://new.test/", "start_index": 20, "end_index": 24}]
    read = answer(ENGINE, _agent("<think>[3]?</think> Good [1].", annotations))
    assert read.text == "Good [1]."
    assert _selected(read) == {"https://new.test/": ["Good"], "https://one.test/": ["[1]"]}


def test_thoughts_that_never_end_are_no_answer() -> None:
    read = answer(ENGINE, _agent("<think>Good [1]."))
    assert (read.text, read.status, read.citations) == ("", Status.INCOMPLETE, ())


def test_without_a_search_the_answer_is_ungrounded() -> None:
    assert answer(ENGINE, AGENT | {"output": AGENT["output"][-1:]}).status is Status.UNGROUNDED


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"status": "failed"}, Status.ERROR),
        ({"status": "failed", "output": None, "error": {"message": "x"}}, Status.ERROR),
        ({"error": {"message": "x", "type": "internal_error"}}, Status.ERROR),
        ({"status": "cancelled"}, Status.INCOMPLETE),
        ({"status": "incomplete"}, Status.INCOMPLETE),
        ({"status": "requires_action"}, Status.INCOMPLETE),
        ({"output": AGENT["output"][:1]}, Status.INCOMPLETE),
    ],
)
def test_the_status_inside_a_reply_decides(told: dict[str, Any], status: Status) -> None:
    assert answer(ENGINE, AGENT | told).status is status


def test_unknown_items_and_content_are_counted() -> None:
    told = _agent()
    told["output"].append({"type": "unknown", "item_name": "hologram", "payload": {}})
    told["output"][-2]["content"].append({"type": "scent"})
    assert answer(ENGINE, told).skipped_blocks == 2


def test_a_stream_is_its_last_full_picture() -> None:
    read = answer(ENGINE, STREAM)
    assert (read.text, read.status, read.cost_usd) == ("Take One [1].", Status.GROUNDED, 0.0055)
    assert _selected(read) == {"https://one.test/": ["[1]"]}
    assert (read.queries, len(read.retrievals), read.skipped_blocks) == (("best crm",), 2, 0)


def test_a_stream_without_a_last_picture_is_what_its_events_tell() -> None:
    ended = {"type": "response.completed"}
    assert answer(ENGINE, [*STREAM[:-1], ended]).citations == answer(ENGINE, STREAM).citations
    assert answer(ENGINE, [*STREAM[:-1], ended]).status is Status.GROUNDED


def test_a_stream_cut_off_while_it_speaks_keeps_what_was_said_and_found() -> None:
    read = answer(ENGINE, [*STREAM[:6], *STREAM[7:10]])
    assert (read.text, read.status) == ("Take One [1].", Status.INCOMPLETE)
    assert (_selected(read), read.queries) == ({"https://one.test/": ["[1]"]}, ("best crm",))


@pytest.mark.parametrize("left", range(1, len(STREAM)))
def test_a_stream_cut_off_anywhere_is_incomplete(left: int) -> None:
    assert answer(ENGINE, STREAM[:left]).status is Status.INCOMPLETE


@pytest.mark.parametrize("kind", ["response.failed", "error"])
def test_a_stream_that_fails_is_an_error(kind: str) -> None:
    read = answer(ENGINE, [*STREAM[:9], {"type": kind, "error": {"message": "x"}}])
    assert (read.status, read.text) == (Status.ERROR, "Take One")


def test_unknown_events_are_counted() -> None:
    assert answer(ENGINE, [*STREAM[:-1], {"type": "response.hologram"}, STREAM[-1]]).skipped_blocks == 1


def test_sonar_numbers_its_citations_from_one() -> None:
    read = answer(ENGINE, SONAR)
    assert read.text == "Paris [2][1], says [2]."
    assert _selected(read) == {"https://two.test/": ["[2]", "[2]"], "https://one.test/": ["[1]"]}
    assert [page.title for page in read.citations] == ["Two", "One"]


def test_sonar_retrieves_every_page_it_lists_and_no_attachment() -> None:
    assert [page.url for page in answer(ENGINE, SONAR).retrievals] == [
        "https://one.test/",
        "https://two.test/",
        "https://three.test/",
    ]


def test_sonar_tells_model_cost_and_time() -> None:
    read = answer(ENGINE, SONAR)
    assert (read.model_served, read.cost_usd, read.status) == ("sonar-reasoning", 0.005, Status.GROUNDED)
    assert read.asked_at == datetime(2025, 10, 9, 8, 53, 20)


def test_sonar_without_citations_numbers_its_search_results() -> None:
    assert list(_selected(answer(ENGINE, SONAR | {"citations": None}))) == ["https://two.test/", "https://one.test/"]


def test_sonar_that_did_not_search_is_ungrounded() -> None:
    assert answer(ENGINE, SONAR | {"citations": [], "search_results": []}).status is Status.UNGROUNDED


def test_sonar_that_ran_out_of_tokens_is_incomplete() -> None:
    told = reply("perplexity/sonar.json")
    told["choices"][0]["finish_reason"] = "length"
    assert answer(ENGINE, told).status is Status.INCOMPLETE


def test_sonar_tells_the_keywords_of_its_reasoning_steps() -> None:
    told = reply("perplexity/sonar.json")
    told["choices"][0]["message"]["reasoning_steps"] = [{"web_search": {"search_keywords": ["capital france", ""]}}]
    assert answer(ENGINE, told).queries == ("capital france",)


def test_sonar_chunks_are_one_answer() -> None:
    read = answer(ENGINE, CHUNKS)
    assert (read.text, read.status, read.cost_usd) == ("Paris [2]", Status.GROUNDED, 0.005)
    assert _selected(read) == {"https://two.test/": ["[2]"]}


def test_sonar_chunks_cut_off_are_incomplete_and_their_cost_is_not_known() -> None:
    read = answer(ENGINE, CHUNKS[:-1])
    assert (read.text, read.status, read.cost_usd) == ("Paris [2]", Status.INCOMPLETE, None)


def test_the_refusal_of_the_old_chat_is_retired() -> None:
    told = reply("perplexity/retired.json")
    assert answer(ENGINE, told).status is Status.RETIRED
    assert answer(ENGINE, {"code": "agent_api_migration_required", "message": "x"}).status is Status.RETIRED
    assert ENGINE.claims([told])


def test_an_error_is_an_answer_without_text() -> None:
    told = {"error": {"message": "unknown field", "type": "invalid_request", "code": 400, "param": "x"}}
    assert (answer(ENGINE, told).status, answer(ENGINE, told).text) == (Status.ERROR, "")


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"choices": [], "model": "grok-4", "citations": ["https://one.test/"]},
        {"choices": [], "model": "perplexity/sonar", "provider": "Perplexity"},
        {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "x"}},
        {"type": "error", "error": {"type": "api_error", "message": "x"}, "request_id": "req_1"},
    ],
)
def test_another_providers_reply_is_refused(told: object) -> None:
    with pytest.raises(Unreadable, match="another provider"):
        answer(ENGINE, told)


@given(
    answers(
        "perplexity",
        mark=Mark.MARKER,
        cited_are_retrieved=True,
        costs=st.none() | st.floats(0, 10),
        statuses=[Status.GROUNDED, Status.UNGROUNDED, Status.INCOMPLETE, Status.ERROR, Status.RETIRED],
    )
)
def test_what_is_rendered_is_read_back(said: Answer) -> None:
    assert ENGINE.read(Capture("perplexity", ENGINE.render(said))) == (said,)


@given(spoiled(AGENT) | spoiled(STREAM) | spoiled(SONAR) | spoiled(CHUNKS))
def test_a_spoiled_reply_is_read_or_refused(told: object) -> None:
    reads_or_refuses(ENGINE, told)


@pytest.mark.parametrize("name", ["agent.json", "agent.sse.txt", "sonar.json", "sonar.sse.txt"])
def test_it_claims_its_own_replies(name: str) -> None:
    assert ENGINE.claims(documents(body(f"perplexity/{name}"), name))


@pytest.mark.parametrize(
    "name",
    ["openai/search.json", "openai/chat_search.json", "openrouter/chat.json", "xai/grpc.json", "anthropic/search.json"],
)
def test_it_does_not_claim_the_replies_of_others(name: str) -> None:
    assert not ENGINE.claims(documents(body(name), name))
