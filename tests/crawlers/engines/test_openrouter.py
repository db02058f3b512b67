from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.engines.openrouter import ENGINE
from crawlers.reading.wire import documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Capture, Status
from tests.crawlers.engines.replies import answer, body, reads_or_refuses, reply, spoiled
from tests.crawlers.engines.strategies import answers

CHAT = reply("openrouter/chat.json")


def chunks() -> list[dict[str, Any]]:
    """Tell the chat reply as a stream: an annotation each, three letters each, an end with the usage."""
    message, around = CHAT["choices"][0]["message"], {key: CHAT[key] for key in ("id", "created", "model", "provider")}
    deltas = [{"content": "", "annotations": [said]} for said in message["annotations"]]
    words = message["content"]
    deltas.extend({"content": words[place : place + 3]} for place in range(0, len(words), 3))
    told = [{**around, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    end = {**around, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": CHAT["usage"]}
    return [*told, end]


def test_annotations_are_results_and_cited_only_where_the_text_or_a_real_span_shows_it() -> None:
    read = answer(ENGINE, CHAT)
    assert [(page.url, page.title, read.text[slice(*page.spans[0])]) for page in read.citations if page.spans[0]] == [
        ("https://native.test/", "Native", "Use"),
        ("https://docs.test/start", "Docs", "[it](https://docs.test/start)"),
        ("https://repo.test/it", None, "https://repo.test/it"),
    ]


def test_every_annotation_is_retrieved() -> None:
    assert [page.url for page in answer(ENGINE, CHAT).retrievals] == [
        "https://repo.test/it", "https://docs.test/start", "https://docs.test/", "https://native.test/",
    ]  # fmt: skip


def test_cost_model_and_status_are_read_and_annotations_of_files_are_known() -> None:
    read = answer(ENGINE, CHAT)
    assert (read.cost_usd, read.model_served, read.status, read.skipped_blocks) == (0.0076, "x/y", Status.GROUNDED, 0)


def test_a_stream_gives_what_the_whole_reply_gives() -> None:
    assert answer(ENGINE, chunks()) == answer(ENGINE, CHAT)


def test_a_stream_cut_off_is_incomplete() -> None:
    assert answer(ENGINE, chunks()[:-1]).status is Status.INCOMPLETE


def test_an_error_after_the_start_of_a_stream_is_an_error_that_keeps_the_text() -> None:
    fault = {
        "id": "gen-1",
        "error": {"code": "server_error"},
        "choices": [{"delta": {"content": ""}, "finish_reason": "error"}],
    }
    read = answer(ENGINE, [*chunks()[:-1], fault])
    assert (read.status, read.text) == (Status.ERROR, answer(ENGINE, CHAT).text)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": 402, "message": "Insufficient credits"}, Status.ERROR),
        ({"code": 403, "message": "flagged", "metadata": {"reasons": ["violence"]}}, Status.BLOCKED),
    ],
)
def test_an_error_inside_a_200_is_told(error: dict[str, object], status: Status) -> None:
    assert answer(ENGINE, {"error": error}).status is status


def test_a_model_that_declined_to_search_is_ungrounded() -> None:
    told: Any = reply("openrouter/chat.json")
    del told["choices"][0]["message"]["annotations"]
    del told["usage"]["server_tool_use_details"]
    assert answer(ENGINE, told).status is Status.UNGROUNDED


@pytest.mark.parametrize(
    ("finish", "status"), [("length", Status.INCOMPLETE), ("content_filter", Status.BLOCKED), ("error", Status.ERROR)]
)
def test_the_finish_reason_decides(finish: str, status: Status) -> None:
    told: Any = reply("openrouter/chat.json")
    told["choices"][0]["finish_reason"] = finish
    assert answer(ENGINE, told).status is status


def test_responses_with_the_search_tool_are_read() -> None:
    action = {"type": "search", "query": "docs", "sources": [{"type": "url", "url": "https://seen.test/"}]}
    part = {
        "type": "output_text",
        "text": "At https://docs.test/.",
        "annotations": [
            {"type": "url_citation", "url": "https://docs.test/", "title": "D", "start_index": 0, "end_index": 0}
        ],
    }
    told = {
        "id": "gen-2", "object": "response", "status": "completed", "model": "x/y", "usage": {"cost": 0.01},
        "output": [{"type": "openrouter:web_search", "action": action}, {"type": "message", "content": [part]}],
    }  # fmt: skip
    read = answer(ENGINE, told)
    assert [page.url for page in read.citations] == ["https://docs.test/"]
    assert [page.url for page in read.retrievals] == ["https://docs.test/", "https://seen.test/"]
    assert (read.queries, read.cost_usd, ENGINE.claims([told])) == (("docs",), 0.01, True)


def test_another_providers_reply_is_refused() -> None:
    with pytest.raises(Unreadable, match="another provider"):
        answer(ENGINE, {"candidates": []})


@given(
    answers(
        "openrouter",
        cited_are_retrieved=True,
        searched=False,
        statuses=[
            Status.GROUNDED, Status.UNGROUNDED, Status.INCOMPLETE, Status.REFUSED, Status.BLOCKED, Status.ERROR,
        ],
        costs=st.none() | st.floats(0, 1e6),
    )
)  # fmt: skip
def test_what_is_rendered_is_read_back(said: Answer) -> None:
    assert ENGINE.read(Capture("openrouter", ENGINE.render(said))) == (said,)


@given(spoiled(CHAT) | spoiled(chunks()))
def test_a_spoiled_reply_is_read_or_refused(told: object) -> None:
    reads_or_refuses(ENGINE, told)


def test_it_claims_its_own_replies() -> None:
    assert ENGINE.claims([CHAT])
    assert ENGINE.claims(chunks())


@pytest.mark.parametrize(
    "name", ["openai/chat_search.json", "openai/search.json", "xai/grpc.json", "groq/stream.sse.txt"]
)
def test_it_does_not_claim_the_replies_of_others(name: str) -> None:
    assert not ENGINE.claims(documents(body(name), name))
