from datetime import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.engines.brave import ENGINE
from crawlers.reading.wire import documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Capture, Status
from tests.crawlers.engines.replies import answer, body, reads_or_refuses, spoiled
from tests.crawlers.engines.strategies import Mark, answers

STREAM = documents(body("brave/stream.sse.txt"), "stream")
RESEARCH = documents(body("brave/research.sse.txt"), "research")
CITATION = '<citation>{"start_index": 0, "end_index": 3, "number": 1, "url": "https://one.test/"}</citation>'


def selected(read: Answer) -> dict[str, list[str | None]]:
    return {page.url: [span and read.text[slice(*span)] for span in page.spans] for page in read.citations}


def streamed(*pieces: str, finish: str | None = "stop", **more: Any) -> list[Any]:
    deltas = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    return [*deltas, {"model": "brave", "choices": [{"delta": {}, "finish_reason": finish}], **more}]


def test_tags_split_over_chunks_are_taken_out_of_the_text() -> None:
    assert answer(ENGINE, STREAM).text == "One is cheap. Two < one."


def test_a_citation_has_a_span_where_its_offsets_end_at_its_own_place() -> None:
    assert selected(answer(ENGINE, STREAM)) == {
        "https://one.test/": ["One is cheap.", None],
        "https://two.test/": [None],
    }


def test_positions_follow_the_places_of_the_citations_in_the_stream() -> None:
    last, first = (CITATION.replace("one", name) for name in ("b", "a"))
    read = answer(ENGINE, streamed("Good", first, ", cheap", last, "."))
    assert [(page.url, page.position) for page in read.citations] == [("https://a.test/", 1), ("https://b.test/", 2)]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_however_the_stream_is_cut_up_the_answer_is_the_same(size: int) -> None:
    told = f"One{CITATION} <b>and</b> 2 < 3.<usage>{{}}</usage>"
    pieces = [told[start : start + size] for start in range(0, len(told), size)]
    read = answer(ENGINE, streamed(*pieces))
    assert (read.text, selected(read)) == ("One <b>and</b> 2 < 3.", {"https://one.test/": ["One"]})


def test_the_snippet_of_a_citation_is_its_passage() -> None:
    assert answer(ENGINE, STREAM).citations[0].passage == "One costs </citation> little."


def test_what_the_reply_tells_of_itself() -> None:
    read = answer(ENGINE, STREAM)
    assert (read.status, read.model_served, read.cost_usd) == (Status.GROUNDED, "brave", 0.01567)
    assert (read.asked_at, read.queries, read.retrievals) == (datetime(2026, 5, 28, 20, 26, 40), (), ())


def test_a_reply_that_is_not_streamed_tells_its_cost_in_its_head() -> None:
    told = {"model": "brave", "choices": [{"message": {"content": "One."}, "finish_reason": "stop"}]}
    headers = {"X-Request-Total-Cost": "0.02", "X-Request-Queries": "1"}
    (read,) = ENGINE.read(Capture("brave", orjson.dumps(told), headers=headers))
    assert (read.cost_usd, read.status) == (0.02, Status.GROUNDED)
    assert answer(ENGINE, told).cost_usd is None


def test_of_research_the_last_answer_counts_and_drafts_and_progress_do_not() -> None:
    read = answer(ENGINE, RESEARCH)
    assert read.text == "The answer is **four**.\n\n[Source](https://four.test/)"
    assert (read.queries, read.cost_usd, read.status) == (("best crm",), 0.122, Status.GROUNDED)


def test_research_cites_what_its_answer_links_to_and_retrieved_what_it_selected() -> None:
    read = answer(ENGINE, RESEARCH)
    assert selected(read) == {"https://four.test/": ["[Source](https://four.test/)"]}
    assert [page.url for page in read.retrievals] == ["https://four.test/", "https://five.test/"]


def test_citations_inside_the_answer_of_research_count_and_those_of_a_draft_do_not() -> None:
    draft = CITATION.replace("one", "draft")
    read = answer(ENGINE, streamed(f"Draft{draft}.", f"<answer>One{CITATION} wins.</answer>"))
    assert (read.text, selected(read)) == ("One wins.", {"https://one.test/": ["One"]})


@pytest.mark.parametrize("queries", ['{"queries": ["a", "b"]}', '["a", "", "b"]'])
def test_queries_of_research_are_told_as_a_list_or_in_one(queries: str) -> None:
    assert answer(ENGINE, streamed(f"<queries>{queries}</queries>One.")).queries == ("a", "b")


def test_broken_citations_and_entities_are_taken_out_and_counted() -> None:
    read = answer(ENGINE, streamed("One<citation>{not json</citation>, <enum_item>{}</enum_item>two."))
    assert (read.text, read.citations, read.skipped_blocks) == ("One, two.", (), 2)


@pytest.mark.parametrize("tail", ["<citation>", '<citation>{"url": "https://o', CITATION[:-3]])
def test_a_citation_cut_off_is_no_text_and_the_answer_is_incomplete(tail: str) -> None:
    read = answer(ENGINE, streamed("One", tail, finish=None))
    assert (read.text, read.status, read.citations) == ("One", Status.INCOMPLETE, ())


def test_a_bill_ends_a_stream_that_names_no_reason() -> None:
    bill = '<usage>{"X-Request-Total-Cost": 0.01}</usage>'
    assert answer(ENGINE, streamed("One.", bill, finish=None)).status is Status.UNGROUNDED


def test_words_that_look_like_a_tag_are_text() -> None:
    told = "Use <progress>50%</progress> or <citation>, never <answer>."
    assert answer(ENGINE, streamed(told)).text == told


def test_an_error_is_an_answer() -> None:
    told = {"type": "ErrorResponse", "error": {"status": 400, "code": "OPTION_NOT_IN_PLAN", "detail": "x"}, "time": 0}
    assert answer(ENGINE, told).status is Status.ERROR
    assert ENGINE.claims([told])


def test_what_the_status_of_the_reply_calls_a_failure_is_an_answer_whatever_its_body() -> None:
    (read,) = ENGINE.read(Capture("brave", b'{"oops": 1}', http_status=429))
    assert read.status is Status.ERROR


def test_another_providers_reply_is_refused() -> None:
    with pytest.raises(Unreadable, match="another provider"):
        answer(ENGINE, {"candidates": []})


@given(
    answers(
        "brave",
        mark=Mark.CLAIM,
        listed=False,
        titled=False,
        searched=False,
        costs=st.none() | st.floats(0, 1e6),
        statuses=[Status.GROUNDED, Status.UNGROUNDED, Status.INCOMPLETE, Status.BLOCKED, Status.ERROR],
    )
)
def test_what_is_rendered_is_read_back(said: Answer) -> None:
    assert ENGINE.read(Capture("brave", ENGINE.render(said))) == (said,)


@given(spoiled(STREAM) | spoiled(RESEARCH))
def test_a_spoiled_reply_is_read_or_refused(told: object) -> None:
    reads_or_refuses(ENGINE, told)
