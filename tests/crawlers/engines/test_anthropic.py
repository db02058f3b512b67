from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.engines.anthropic import ENGINE
from crawlers.reading.wire import documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Capture, Status
from tests.crawlers.engines.replies import answer, body, reads_or_refuses, reply, spoiled
from tests.crawlers.engines.strategies import Mark, answers

SEARCH = reply("anthropic/search.json")
STREAM = documents(body("anthropic/stream.sse.txt"), "stream")
FAILED = {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}


def _search() -> Any:
    return reply("anthropic/search.json")


def test_a_citation_selects_the_block_it_hangs_on() -> None:
    read = answer(ENGINE, SEARCH)
    assert read.text == "Let me look.The tallest tree is Hyperion · 116 m, found in 2006."
    told = [(page.url, [read.text[slice(*span)] for span in page.spans if span]) for page in read.citations]
    assert told == [
        ("https://trees.test/tall", ["Hyperion · 116 m", "2006"]),
        ("https://park.test/", ["Hyperion · 116 m"]),
    ]
    assert [(page.position, page.occurrences, page.title) for page in read.citations] == [
        (1, 2, "Tall trees"),
        (2, 1, "Park"),
    ]


def test_the_words_cited_are_the_passage() -> None:
    assert answer(ENGINE, SEARCH).citations[0].passage == "Hyperion stands 116 m"


def test_every_result_of_a_search_is_retrieved_and_none_is_cited_for_that() -> None:
    read = answer(ENGINE, SEARCH)
    assert [(page.rank, page.url) for page in read.retrievals] == [
        (1, "https://trees.test/tall"),
        (2, "https://unused.test/"),
    ]
    assert "https://unused.test/" not in [page.url for page in read.citations]


def test_a_search_that_went_through_grounds_the_answer() -> None:
    read = answer(ENGINE, SEARCH)
    assert (read.status, read.queries, read.model_served) == (Status.GROUNDED, ("tallest tree",), "claude-test-1")
    assert (read.provider, read.engine, read.surface, read.cost_usd) == ("anthropic", "anthropic", "api", None)
    assert read.skipped_blocks == 0


def test_the_time_is_that_of_the_capture_since_the_reply_tells_none() -> None:
    told = datetime(2026, 1, 2, 3, 4, 5)
    (read,) = ENGINE.read(Capture("anthropic", body("anthropic/search.json"), asked_at=told))
    assert read.asked_at == told


def test_a_search_without_results_grounds_the_answer_too() -> None:
    told = _search()
    told["content"] = [told["content"][1], told["content"][3] | {"content": []}]
    assert answer(ENGINE, told).status is Status.GROUNDED


def test_an_answer_whose_searches_all_failed_is_ungrounded() -> None:
    told = _search()
    told["content"] = [*told["content"][1:3], told["content"][3] | {"content": FAILED}, told["content"][4]]
    read = answer(ENGINE, told)
    assert (read.status, read.queries, read.retrievals) == (Status.UNGROUNDED, ("tallest tree",), ())


def test_one_search_of_two_that_went_through_grounds_the_answer() -> None:
    told = _search()
    told["content"].insert(4, {"type": "web_search_tool_result", "content": FAILED})
    assert answer(ENGINE, told).status is Status.GROUNDED


def test_an_answer_without_a_search_is_ungrounded() -> None:
    told = _search() | {"content": [{"type": "text", "text": "Hyperion."}], "usage": {}}
    assert answer(ENGINE, told).status is Status.UNGROUNDED


def test_a_bill_for_searches_whose_results_were_left_out_grounds_the_answer() -> None:
    told = _search() | {"content": [{"type": "text", "text": "Hyperion."}]}
    assert answer(ENGINE, told).status is Status.GROUNDED


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("max_tokens", Status.INCOMPLETE),
        ("pause_turn", Status.INCOMPLETE),
        ("tool_use", Status.INCOMPLETE),
        (None, Status.INCOMPLETE),
        ("refusal", Status.REFUSED),
        ("stop_sequence", Status.GROUNDED),
    ],
)
def test_the_stop_reason_tells_whether_the_answer_is_whole(reason: str | None, status: Status) -> None:
    assert answer(ENGINE, _search() | {"stop_reason": reason}).status is status


def test_results_nested_under_code_execution_are_retrieved() -> None:
    told = _search()
    nested = {"type": "code_execution_result", "content": [told["content"][3]], "stdout": ""}
    told["content"][3] = {"type": "code_execution_tool_result", "tool_use_id": "x", "content": nested}
    assert len(answer(ENGINE, told).retrievals) == 2


def test_a_fetched_page_is_retrieved_under_the_title_of_its_document() -> None:
    fetched = {"type": "web_fetch_result", "url": "https://f.test/", "content": {"type": "document", "title": "F"}}
    told = _search() | {"content": [{"type": "web_fetch_tool_result", "content": fetched}, *_search()["content"][-1:]]}
    read = answer(ENGINE, told)
    assert [(page.url, page.title) for page in read.retrievals] == [("https://f.test/", "F")]
    assert read.status is Status.GROUNDED


def test_a_citation_of_a_document_without_address_is_no_citation_of_a_page() -> None:
    told = _search()
    told["content"][-1]["citations"] = [{"type": "char_location", "document_index": 0, "cited_text": "x"}]
    assert len(answer(ENGINE, told).citations) == 2


def test_the_query_of_another_tool_is_no_search() -> None:
    told = _search()
    told["content"][2]["name"] = "tool_search_tool_bm25"
    assert answer(ENGINE, told).queries == ()


def test_unknown_blocks_events_and_deltas_are_counted() -> None:
    told = _search()
    told["content"].append({"type": "hologram"})
    assert answer(ENGINE, told).skipped_blocks == 1
    event = {"type": "content_block_delta", "index": 3, "delta": {"type": "scent_delta"}}
    assert answer(ENGINE, [*STREAM[:-1], event, {"type": "hum"}, STREAM[-1]]).skipped_blocks == 2


def test_a_stream_builds_the_message_a_full_reply_would_hold() -> None:
    read = answer(ENGINE, STREAM)
    assert (read.text, read.queries, read.status) == ("It is Hyperion", ("tallest tree",), Status.GROUNDED)
    assert [(page.url, page.spans) for page in read.citations] == [("https://trees.test/tall", ((6, 14),))]
    assert len(read.retrievals) == 1
    assert read.skipped_blocks == 0


@pytest.mark.parametrize("left", range(1, len(STREAM) - 1))
def test_a_stream_cut_off_anywhere_is_incomplete(left: int) -> None:
    assert answer(ENGINE, STREAM[:left]).status is Status.INCOMPLETE


def test_a_stream_that_breaks_with_an_error_is_an_error_with_the_text_so_far() -> None:
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    read = answer(ENGINE, [*STREAM[:15], overloaded])
    assert (read.status, read.text) == (Status.ERROR, "It is ")


def test_an_error_body_is_an_answer_without_text() -> None:
    told = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}
    read = answer(ENGINE, told)
    assert (read.status, read.text) == (Status.ERROR, "")
    assert ENGINE.claims([told])


def test_events_one_per_line_are_read_like_a_stream() -> None:
    lines = b"\n".join(line[6:] for line in body("anthropic/stream.sse.txt").splitlines() if line.startswith(b"data: "))
    assert answer(ENGINE, lines) == answer(ENGINE, STREAM)


@pytest.mark.parametrize("told", [{}, {"choices": []}, {"type": "message", "content": "text"}, {"error": {"code": 1}}])
def test_another_providers_reply_is_refused(told: object) -> None:
    with pytest.raises(Unreadable, match="another provider"):
        answer(ENGINE, told)


@given(
    answers(
        "anthropic",
        mark=Mark.CLAIM,
        dated=False,
        statuses=[Status.GROUNDED, Status.UNGROUNDED, Status.INCOMPLETE, Status.REFUSED, Status.ERROR],
    )
)
def test_what_is_rendered_is_read_back(said: Answer) -> None:
    assert ENGINE.read(Capture("anthropic", ENGINE.render(said))) == (said,)


@given(st.lists(st.text("ab", min_size=1), min_size=1, max_size=3))
def test_failed_searches_are_rendered_and_read_back(queries: list[str]) -> None:
    said = Answer("anthropic", "anthropic", "api", Status.UNGROUNDED, "From memory.", queries=tuple(queries))
    assert ENGINE.read(Capture("anthropic", ENGINE.render(said))) == (said,)


@given(spoiled(SEARCH) | spoiled(STREAM))
def test_a_spoiled_reply_is_read_or_refused(told: object) -> None:
    reads_or_refuses(ENGINE, told)


@pytest.mark.parametrize("name", ["search.json", "stream.sse.txt"])
def test_it_claims_its_own_replies(name: str) -> None:
    assert ENGINE.claims(documents(body(f"anthropic/{name}"), name))


@pytest.mark.parametrize(
    "name", ["openai/search.json", "gemini/grounded.json", "gemini/interaction.jsonl", "perplexity/agent.sse.txt"]
)
def test_it_does_not_claim_the_replies_of_others(name: str) -> None:
    assert not ENGINE.claims(documents(body(name), name))
