from contextlib import suppress
from datetime import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from msgspec.structs import replace

from crawlers.engines.gemini import ENGINE
from crawlers.reading.wire import documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Capture, Citation, Retrieval, Status
from geo_flywheel.urls import canonical
from tests.crawlers.engines.replies import answer, body, reply, spoiled
from tests.crawlers.engines.strategies import Mark, answers

REDIRECT = "https://vertexaisearch.cloud.google.com/grounding-api-redirect/"
GROUNDED = reply("gemini/grounded.json")
STREAM = documents(body("gemini/stream.sse.txt"), "stream")
INTERACTION = reply("gemini/interaction.json")
EVENTS = documents(body("gemini/interaction.jsonl"), "events")


def _grounded() -> Any:
    return reply("gemini/grounded.json")


def _metadata(told: Any) -> Any:
    return told["candidates"][0]["groundingMetadata"]


def _selected(read: Answer) -> list[list[str | None]]:
    return [[span and read.text[slice(*span)] for span in page.spans] for page in read.citations]


def test_bytes_become_code_points_and_a_span_whose_words_differ_is_none() -> None:
    read = answer(ENGINE, GROUNDED)
    assert read.text == "Zürich: 19 °C. In Genève 21 °C und sonnig."
    assert _selected(read) == [["Zürich: 19 °C.", "In Genève 21 °C", None], ["In Genève 21 °C"]]


def test_a_chunk_is_retrieved_and_cited_only_where_a_support_points_at_it() -> None:
    read = answer(ENGINE, GROUNDED)
    assert [page.raw_url for page in read.citations] == [
        f"{REDIRECT}AAA",
        "https://www.google.com/search?q=weather in Genève",
    ]
    assert [page.raw_url for page in read.retrievals][1] == f"{REDIRECT}BBB"
    assert [page.rank for page in read.retrievals] == [1, 2, 3]


def test_the_title_of_a_redirect_names_its_domain_and_no_other_title_does() -> None:
    read = answer(ENGINE, GROUNDED)
    assert [page.domain for page in read.citations] == ["meteo.ch", None]
    assert [page.domain for page in read.retrievals] == ["meteo.ch", "unused.org", None]


def test_vertex_names_the_domain_beside_the_title() -> None:
    told = _grounded()
    _metadata(told)["groundingChunks"][0]["web"] |= {"title": "Weather today", "domain": "meteo.ch"}
    assert answer(ENGINE, told | {"createTime": "2026-07-28T19:58:35.5Z"}).citations[0].domain == "meteo.ch"


def test_what_the_reply_tells_of_itself() -> None:
    read = answer(ENGINE, GROUNDED)
    assert (read.status, read.queries, read.model_served) == (Status.GROUNDED, ("wetter zürich",), "gemini-test-1")
    assert (read.engine, read.cost_usd, read.skipped_blocks) == ("gemini", None, 0)
    assert answer(ENGINE, _grounded() | {"createTime": "2026-07-28T21:58:35+02:00"}).asked_at == datetime(
        2026, 7, 28, 19, 58, 35
    )


def test_offsets_of_a_part_start_with_that_part() -> None:
    told = _grounded()
    told["candidates"][0]["content"]["parts"] = [{"text": "Ä: "}, {"functionCall": {}}, {"text": "Öl ist ölig."}]
    segment = {"partIndex": 2, "startIndex": 8, "endIndex": 14, "text": "ölig."}
    _metadata(told)["groundingSupports"] = [{"segment": segment, "groundingChunkIndices": [0]}]
    read = answer(ENGINE, told)
    assert read.text == "Ä: Öl ist ölig."
    assert _selected(read) == [["ölig."]]


def test_without_grounding_the_answer_is_ungrounded() -> None:
    told = _grounded()
    told["candidates"][0]["groundingMetadata"] = {}
    assert answer(ENGINE, told).status is Status.UNGROUNDED


def test_an_index_without_a_chunk_cites_nothing() -> None:
    told = _grounded()
    _metadata(told)["groundingSupports"] = [{"segment": {"endIndex": 3}, "groundingChunkIndices": [9, -1, "0", None]}]
    assert answer(ENGINE, told).citations == ()


def test_places_of_maps_and_documents_of_a_store_are_pages_too() -> None:
    told = _grounded()
    _metadata(told)["groundingChunks"] = [
        {"maps": {"uri": "https://maps.test/?cid=1", "title": "Pizza"}},
        {"retrievedContext": {"uri": "https://doc.test/", "title": "Doc"}},
        {"hologram": {}},
    ]
    read = answer(ENGINE, told)
    assert [page.url for page in read.citations] == ["https://maps.test/?cid=1"]
    assert [page.url for page in read.retrievals] == ["https://maps.test/?cid=1", "https://doc.test/"]
    assert read.skipped_blocks == 1


def test_a_stream_is_one_answer_whose_repeated_grounding_counts_once() -> None:
    read = answer(ENGINE, STREAM)
    assert (read.text, read.status) == ("Café offen bis 18 Uhr.", Status.GROUNDED)
    assert _selected(read) == [["offen", "bis 18 Uhr."]]
    assert read.queries == ("café", "öffnungszeiten")


def test_fetched_addresses_are_retrieved_unless_the_fetch_failed() -> None:
    assert [page.raw_url for page in answer(ENGINE, STREAM).retrievals] == [f"{REDIRECT}CCC", "https://menu.test/"]


def test_an_array_of_chunks_is_read_like_a_stream() -> None:
    array = b"[" + b",".join(line[6:] for line in body("gemini/stream.sse.txt").splitlines() if line) + b"]"
    assert answer(ENGINE, array) == answer(ENGINE, STREAM)


def test_a_stream_cut_off_before_its_finish_reason_is_incomplete() -> None:
    read = answer(ENGINE, STREAM[:-1])
    assert (read.status, _selected(read)) == (Status.INCOMPLETE, [["offen"]])


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("MAX_TOKENS", Status.INCOMPLETE),
        ("MALFORMED_RESPONSE", Status.INCOMPLETE),
        (None, Status.INCOMPLETE),
        ("SAFETY", Status.BLOCKED),
        ("RECITATION", Status.BLOCKED),
        ("PROHIBITED_CONTENT", Status.BLOCKED),
    ],
)
def test_the_finish_reason_tells_what_came_of_it(reason: str | None, status: Status) -> None:
    told = _grounded()
    told["candidates"][0]["finishReason"] = reason
    assert answer(ENGINE, told).status is status


def test_a_blocked_prompt_is_a_blocked_answer() -> None:
    read = answer(ENGINE, {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "gemini-test-1"})
    assert (read.status, read.text, read.model_served) == (Status.BLOCKED, "", "gemini-test-1")


def test_each_candidate_is_an_answer() -> None:
    second = {"index": 1, "content": {"parts": [{"text": "Other."}]}, "finishReason": "STOP"}
    told = _grounded()
    told["candidates"].insert(0, second)
    one, two = ENGINE.read(Capture("gemini", orjson.dumps(told)))
    assert (one.text[:6], two.text) == ("Zürich", "Other.")
    assert (one.status, two.status) == (Status.GROUNDED, Status.UNGROUNDED)


def test_unknown_parts_are_counted() -> None:
    told = _grounded()
    told["candidates"][0]["content"]["parts"].append({"hologram": {}})
    assert answer(ENGINE, told).skipped_blocks == 1


@pytest.mark.parametrize(
    "told",
    [
        {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota", "details": []}},
        [{"error": {"code": 503, "status": "UNAVAILABLE", "message": "Overloaded"}}],
        {"error": {"code": "not_found", "message": "No such model"}},
    ],
)
def test_an_error_is_an_answer_without_text(told: object) -> None:
    assert answer(ENGINE, told).status is Status.ERROR


def test_annotations_of_an_interaction_count_bytes() -> None:
    read = answer(ENGINE, INTERACTION)
    assert read.text == "Größe: 7 km². Alt."
    assert [(page.raw_url, page.domain) for page in read.citations] == [
        ("https://lake.test/", None),
        (f"{REDIRECT}DDD", "lake.test"),
    ]
    assert _selected(read) == [["Größe: 7 km²."], ["7 km²", "Alt."]]


def test_an_interaction_tells_fetched_pages_and_places_as_retrieved() -> None:
    read = answer(ENGINE, INTERACTION)
    assert [page.url for page in read.retrievals] == ["https://lake.test/", "https://maps.test/?cid=1"]
    assert (read.queries, read.status) == (("see größe",), Status.GROUNDED)
    assert (read.asked_at, read.skipped_blocks) == (datetime(2026, 5, 15, 18, 52, 36), 0)


def test_a_span_outside_its_content_is_none() -> None:
    told = reply("gemini/interaction.json")
    told["steps"][1]["content"][0]["annotations"][0]["end_index"] = 99
    assert [None in page.spans for page in answer(ENGINE, told).citations] == [True, False]


def test_events_of_an_interaction_build_what_a_full_reply_would_hold() -> None:
    read = answer(ENGINE, EVENTS)
    assert (read.text, read.queries, read.status) == ("Größe: 7 km². Alt.", ("see größe",), Status.GROUNDED)
    assert _selected(read) == [["7 km²"]]
    assert (read.model_served, read.skipped_blocks) == ("gemini-test-1", 0)


@pytest.mark.parametrize("left", range(1, len(EVENTS)))
def test_an_interaction_cut_off_anywhere_is_incomplete(left: int) -> None:
    assert answer(ENGINE, EVENTS[:left]).status is Status.INCOMPLETE


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"status": "failed"}, Status.ERROR),
        ({"status": "budget_exceeded"}, Status.INCOMPLETE),
        ({"status": "requires_action"}, Status.INCOMPLETE),
        ({"steps": INTERACTION["steps"][:1]}, Status.INCOMPLETE),
        ({"steps": [{"type": "model_output", "content": [{"type": "text", "text": "x"}]}]}, Status.UNGROUNDED),
    ],
)
def test_the_status_of_an_interaction(told: dict[str, Any], status: Status) -> None:
    assert answer(ENGINE, INTERACTION | told).status is status


def test_an_interaction_whose_search_failed_is_ungrounded() -> None:
    told = reply("gemini/interaction.json")
    told["steps"] = [told["steps"][1], told["steps"][2], told["steps"][3] | {"is_error": True}]
    told["steps"][0]["content"][0]["annotations"] = []
    assert answer(ENGINE, told).status is Status.UNGROUNDED


def test_unknown_steps_content_annotations_events_and_deltas_are_counted() -> None:
    told = reply("gemini/interaction.json")
    told["steps"].append({"type": "hologram"})
    told["steps"][1]["content"] += [{"type": "scent"}, {"type": "text", "annotations": [{"type": "hum"}]}]
    assert answer(ENGINE, told).skipped_blocks == 3
    delta = {"event_type": "step.delta", "index": 1, "delta": {"type": "scent"}}
    assert answer(ENGINE, [*EVENTS[:-1], delta, {"event_type": "hum"}, EVENTS[-1]]).skipped_blocks == 2


@pytest.mark.parametrize("told", [{}, {"choices": []}, {"error": {"message": "x", "type": "y", "code": None}}])
def test_another_providers_reply_is_refused(told: object) -> None:
    with pytest.raises(Unreadable, match="another provider"):
        answer(ENGINE, told)


@given(
    answers(
        "gemini",
        mark=Mark.CLAIM,
        cited_are_retrieved=True,
        unplaced=True,
        statuses=[Status.GROUNDED, Status.UNGROUNDED, Status.INCOMPLETE, Status.BLOCKED, Status.ERROR],
    )
)
def test_what_is_rendered_is_read_back(said: Answer) -> None:
    assert ENGINE.read(Capture("gemini", ENGINE.render(said))) == (said,)


def test_redirects_are_rendered_and_read_back() -> None:
    raw = f"{REDIRECT}XYZ"
    page = Retrieval(canonical(raw).url, raw, "lake.org", 1, "lake.org")
    cited = Citation(page.url, raw, "lake.org", 1, 1, ((0, 4),), None, "lake.org")
    said = Answer("gemini", "gemini", "api", Status.GROUNDED, "Größe", citations=(cited,), retrievals=(page,))
    assert ENGINE.read(Capture("gemini", ENGINE.render(said))) == (said,)
    assert ENGINE.read(Capture("gemini", ENGINE.render(replace(said, citations=())))) == (replace(said, citations=()),)


@given(spoiled(GROUNDED) | spoiled(STREAM) | spoiled(INTERACTION) | spoiled(EVENTS))
def test_a_spoiled_reply_is_read_or_refused(told: object) -> None:
    with suppress(Unreadable):
        for read in ENGINE.read(Capture("gemini", orjson.dumps(told))):
            assert all(words != "" for selected in _selected(read) for words in selected)


@pytest.mark.parametrize("name", ["grounded.json", "stream.sse.txt", "interaction.json", "interaction.jsonl"])
def test_it_claims_its_own_replies(name: str) -> None:
    assert ENGINE.claims(documents(body(f"gemini/{name}"), name))


@pytest.mark.parametrize(
    "name", ["openai/search.json", "anthropic/search.json", "anthropic/stream.sse.txt", "perplexity/agent.json"]
)
def test_it_does_not_claim_the_replies_of_others(name: str) -> None:
    assert not ENGINE.claims(documents(body(name), name))
