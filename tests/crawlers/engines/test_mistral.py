from datetime import datetime
from typing import Any

import pytest
from hypothesis import given

from crawlers.engines.mistral import ENGINE
from crawlers.reading.wire import documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Capture, Status
from tests.crawlers.engines.replies import answer, body, reads_or_refuses, reply, spoiled
from tests.crawlers.engines.strategies import Mark, answers

CONVERSATION = reply("mistral/conversation.json")
STREAM = documents(body("mistral/stream.sse.txt"), "stream")


def selected(read: Answer) -> dict[str, list[str | None]]:
    return {page.url: [span and read.text[slice(*span)] for span in page.spans] for page in read.citations}


def saying(*content: Any, **more: Any) -> Any:
    message = {"type": "message.output", "content": list(content)}
    return {"object": "conversation.response", "outputs": [message], **more}


def test_a_reference_cites_its_page_for_the_piece_of_text_before_it() -> None:
    read = answer(ENGINE, CONVERSATION)
    assert read.text == "One is cheap. Two is good."
    assert selected(read) == {
        "https://one.test/": ["One is cheap"],
        "https://two.test/crm": ["One is cheap", "Two is good"],
    }
    assert [(page.position, page.title) for page in read.citations] == [(1, "One"), (2, "Two")]


def test_what_the_reply_tells_of_itself() -> None:
    read = answer(ENGINE, CONVERSATION)
    assert (read.status, read.model_served, read.queries) == (
        Status.GROUNDED,
        "mistral-medium-2508",
        ("best crm 2026",),
    )
    assert (read.asked_at, read.cost_usd, read.retrievals) == (datetime(2026, 5, 28, 20, 26, 40), None, ())


def test_a_reference_before_all_text_has_no_span_and_one_without_address_cites_nothing() -> None:
    before = {"type": "tool_reference", "title": "One", "url": "https://one.test/"}
    without = {"type": "tool_reference", "title": "A file", "url": None}
    assert selected(answer(ENGINE, saying(before, without, {"type": "text", "text": "Hm."}))) == {
        "https://one.test/": [None]
    }


def test_a_reference_supports_nothing_of_the_message_before_its_own() -> None:
    told = saying({"type": "text", "text": "Searching."})
    told["outputs"].append(
        {"type": "message.output", "content": [{"type": "tool_reference", "url": "https://one.test/"}]}
    )
    assert selected(answer(ENGINE, told)) == {"https://one.test/": [None]}


def test_content_that_is_a_string_is_an_answer_from_memory() -> None:
    told = {"conversation_id": "c", "outputs": [{"type": "message.output", "content": "One."}]}
    assert (answer(ENGINE, told).text, answer(ENGINE, told).status) == ("One.", Status.UNGROUNDED)


def test_a_search_the_bill_counts_is_proof_enough() -> None:
    told = saying({"type": "text", "text": "One."}, usage={"connectors": {"web_search_premium": 1}})
    assert answer(ENGINE, told).status is Status.GROUNDED


@pytest.mark.parametrize("arguments", ['{"queries": ["a", " ", "b"]}', {"query": "a", "queries": ["b"]}])
def test_queries_are_told_as_text_or_object_and_one_by_one_or_together(arguments: object) -> None:
    told = saying({"type": "text", "text": "One."})
    told["outputs"].insert(0, {"type": "tool.execution", "name": "web_search_premium", "arguments": arguments})
    assert answer(ENGINE, told).queries == ("a", "b")


def test_what_other_tools_were_told_is_no_query() -> None:
    told = saying({"type": "text", "text": "One."})
    told["outputs"].insert(0, {"type": "tool.execution", "name": "code_interpreter", "arguments": '{"query": "x"}'})
    assert (answer(ENGINE, told).queries, answer(ENGINE, told).status) == ((), Status.UNGROUNDED)


def test_unknown_entries_chunks_and_events_are_counted() -> None:
    told = saying({"type": "text", "text": "One."}, {"type": "scent"}, {"type": "thinking", "thinking": []})
    told["outputs"].append({"type": "telepathy"})
    assert answer(ENGINE, told).skipped_blocks == 2
    assert answer(ENGINE, [*STREAM, {"type": "conversation.dreamt"}]).skipped_blocks == 1


def test_a_stream_gives_what_the_whole_reply_would() -> None:
    read = answer(ENGINE, STREAM)
    assert (read.text, read.status, read.queries) == ("One is cheap.", Status.GROUNDED, ("crm",))
    assert (selected(read), read.skipped_blocks) == ({"https://one.test/": ["One is cheap"]}, 0)


def test_a_stream_cut_off_is_incomplete() -> None:
    assert answer(ENGINE, STREAM[:-1]).status is Status.INCOMPLETE


def test_a_conversation_without_a_message_is_incomplete() -> None:
    assert answer(ENGINE, CONVERSATION | {"outputs": CONVERSATION["outputs"][:1]}).status is Status.INCOMPLETE


@pytest.mark.parametrize(
    "told",
    [
        {"object": "error", "message": "Unauthorized", "type": "invalid_request_error", "code": "3000"},
        [*STREAM[:-1], {"type": "conversation.response.error", "message": "x", "code": 500}],
    ],
)
def test_an_error_is_an_answer(told: object) -> None:
    assert answer(ENGINE, told).status is Status.ERROR


def test_what_the_status_of_the_reply_calls_a_failure_is_an_answer_whatever_its_body() -> None:
    (read,) = ENGINE.read(Capture("mistral", b'{"detail": "Unauthorized"}', http_status=401))
    assert read.status is Status.ERROR


def test_another_providers_reply_is_refused() -> None:
    with pytest.raises(Unreadable, match="another provider"):
        answer(ENGINE, {"candidates": []})


@given(answers("mistral", mark=Mark.CLAIM, listed=False, statuses=[Status.GROUNDED, Status.UNGROUNDED, Status.ERROR]))
def test_what_is_rendered_is_read_back(said: Answer) -> None:
    assert ENGINE.read(Capture("mistral", ENGINE.render(said))) == (said,)


@given(spoiled(CONVERSATION) | spoiled(STREAM))
def test_a_spoiled_reply_is_read_or_refused(told: object) -> None:
    reads_or_refuses(ENGINE, told)
