from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.engines.openai import ENGINE
from crawlers.reading.wire import documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Capture, Status
from tests.crawlers.engines.replies import answer, body, reads_or_refuses, reply, spoiled
from tests.crawlers.engines.strategies import answers

SEARCH = reply("openai/search.json")
STREAM = documents(body("openai/stream.sse.txt"), "stream")


def slices(read: Answer) -> dict[str, list[str | None]]:
    return {page.url: [span and read.text[slice(*span)] for span in page.spans] for page in read.citations}


def test_annotations_are_citations_and_each_span_selects_its_link() -> None:
    read = answer(ENGINE, SEARCH)
    assert slices(read) == {
        "https://a.test/x": ["([a.test](https://a.test/x?utm_source=openai))", "([a.test](https://a.test/x))"],
        "https://b.test/y": ["([b.test](https://b.test/y))"],
        "https://nowhere.test/": [None],
    }
    assert [(page.position, page.occurrences, page.title) for page in read.citations] == [
        (1, 2, "A"), (2, 1, None), (3, 1, "N"),
    ]  # fmt: skip


def test_sources_are_retrieved_whether_cited_or_not_and_opened_pages_are_not() -> None:
    assert [page.url for page in answer(ENGINE, SEARCH).retrievals] == ["https://a.test/x", "https://only-seen.test/"]


def test_queries_come_from_search_actions_only_and_without_empty_ones() -> None:
    assert answer(ENGINE, SEARCH).queries == ("best crm 2026", "crm small firms")


def test_unknown_items_parts_and_annotations_are_counted_and_known_ones_are_not() -> None:
    assert answer(ENGINE, SEARCH).skipped_blocks == 2


def test_text_of_several_parts_is_joined_and_model_and_time_are_read() -> None:
    read = answer(ENGINE, SEARCH)
    assert read.text.startswith("Prices fell 📉. (")
    assert read.text.endswith("and ([a.test](https://a.test/x)).")
    assert (read.status, read.model_served, str(read.asked_at)) == (
        Status.GROUNDED, "gpt-x-2026-01-01", "2026-01-01 00:00:00",
    )  # fmt: skip


def test_offsets_in_utf16_units_are_understood() -> None:
    link = "([b.test](https://b.test/y))"
    told: Any = reply("openai/chat_search.json")
    message = told["choices"][0]["message"]
    message["content"] = f"📈📈 {link} {link}"
    message["annotations"][0]["url_citation"].update(start_index=5, end_index=5 + len(link), url="https://b.test/y")
    assert [page.spans for page in answer(ENGINE, told).citations] == [((3, 3 + len(link)),)]


def test_offsets_that_select_something_else_are_replaced_by_the_nearest_link_to_the_page() -> None:
    link = "([b.test](https://b.test/y))"
    told: Any = reply("openai/chat_search.json")
    message = told["choices"][0]["message"]
    message["content"] = f"{link} {'x' * 50} {link}"
    message["annotations"][0]["url_citation"].update(start_index=78, end_index=106, url="https://b.test/y")
    assert [page.spans for page in answer(ENGINE, told).citations] == [((80, 108),)]


def test_an_address_that_only_begins_like_the_cited_one_gives_no_span() -> None:
    told: Any = reply("openai/chat_search.json")
    told["choices"][0]["message"]["content"] = "See https://sky.test/why-not for more words than that."
    assert [page.spans for page in answer(ENGINE, told).citations] == [(None,)]


def test_chat_search_models_are_read() -> None:
    read = answer(ENGINE, reply("openai/chat_search.json"))
    assert slices(read) == {"https://sky.test/why": ["([sky.test](https://sky.test/why))"]}
    assert read.status is Status.GROUNDED


def test_chat_search_without_annotations_is_ungrounded() -> None:
    told: Any = reply("openai/chat_search.json")
    told["choices"][0]["message"]["annotations"] = []
    assert answer(ENGINE, told).status is Status.UNGROUNDED


def test_azure_leaves_its_search_searching_and_its_links_bare() -> None:
    read = answer(ENGINE, reply("openai/azure.json"))
    assert read.status is Status.GROUNDED
    assert slices(read) == {"https://met.test/today": ["[Met](https://met.test/today)"]}


def test_an_answer_without_a_search_is_ungrounded() -> None:
    told = {**SEARCH, "output": [{"type": "message", "content": [{"type": "output_text", "text": "From memory."}]}]}
    assert answer(ENGINE, told).status is Status.UNGROUNDED


def test_only_failed_searches_leave_it_ungrounded() -> None:
    told = {
        **SEARCH,
        "output": [{"type": "web_search_call", "status": "failed"}, *reply("openai/azure.json")["output"][1:]],
    }
    told["output"][1]["content"][0]["annotations"] = []
    assert answer(ENGINE, told).status is Status.UNGROUNDED


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, Status.INCOMPLETE),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, Status.BLOCKED),
        ({"status": "failed", "error": {"code": "server_error", "message": "x"}}, Status.ERROR),
        ({"status": "failed", "error": {"code": "image_content_policy_violation"}}, Status.BLOCKED),
        ({"status": "cancelled"}, Status.INCOMPLETE),
        ({"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]}, Status.REFUSED),
        ({"output": []}, Status.INCOMPLETE),
    ],
)
def test_what_came_of_it_is_told_inside_a_200(change: dict[str, object], status: Status) -> None:
    assert answer(ENGINE, {**SEARCH, **change}).status is status


def test_words_of_a_refusal_are_the_text() -> None:
    told = {**SEARCH, "output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]}
    assert answer(ENGINE, told).text == "No."


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"message": "slow down", "type": "requests", "code": "rate_limit_exceeded", "param": None}, Status.ERROR),
        ({"message": "filtered", "code": "content_filter", "innererror": {}}, Status.BLOCKED),
    ],
)
def test_the_body_of_an_http_error_is_an_answer_without_text(error: dict[str, object], status: Status) -> None:
    read = answer(ENGINE, {"error": error})
    assert (read.status, read.text, read.citations) == (status, "", ())


def test_a_stream_gives_what_its_completed_response_gives_alone() -> None:
    assert answer(ENGINE, STREAM) == answer(ENGINE, STREAM[-1]["response"])


def test_one_event_per_line_gives_what_server_sent_events_give() -> None:
    assert answer(ENGINE, b"\n".join(map(orjson.dumps, STREAM))) == answer(ENGINE, STREAM)


def test_a_stream_cut_off_before_its_end_is_incomplete_and_keeps_what_it_said() -> None:
    read = answer(ENGINE, STREAM[:-1])
    assert read.status is Status.INCOMPLETE
    whole = answer(ENGINE, STREAM)
    assert (read.text, read.citations, read.queries) == (whole.text, whole.citations, whole.queries)


@given(st.integers(150, len(body("openai/stream.sse.txt"))))
def test_a_stream_cut_off_anywhere_after_its_first_event_is_read(length: int) -> None:
    read = answer(ENGINE, body("openai/stream.sse.txt")[: max(length, 200)])
    assert answer(ENGINE, STREAM).text.startswith(read.text)


def test_an_error_in_the_midst_of_a_stream_is_an_error() -> None:
    events = [*STREAM[:6], {"type": "error", "code": "server_error", "message": "The server had an error"}]
    assert answer(ENGINE, events).status is Status.ERROR


def test_events_nobody_documented_are_counted() -> None:
    assert answer(ENGINE, [*STREAM, {"type": "response.hologram.delta"}]).skipped_blocks == 1


@pytest.mark.parametrize(
    "told", [b"{", b"", b"<html>", b"[1]", b"null", b"hello", b'{"type":"message","content":[]}', b"[]"]
)
def test_what_is_no_reply_is_refused_with_the_name_of_the_file(told: bytes) -> None:
    with pytest.raises(Unreadable, match=r"reply\.json"):
        answer(ENGINE, told)


def test_the_refusal_of_another_providers_reply_says_what_is_missing() -> None:
    with pytest.raises(Unreadable, match="no `output`, no `choices`.*another provider"):
        answer(ENGINE, {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hi"}]})


@given(
    answers(
        "openai",
        unplaced=True,
        statuses=[
            Status.GROUNDED, Status.UNGROUNDED, Status.INCOMPLETE, Status.REFUSED, Status.BLOCKED, Status.ERROR,
        ],
    )
)  # fmt: skip
def test_what_is_rendered_is_read_back(said: Answer) -> None:
    assert ENGINE.read(Capture("openai", ENGINE.render(said))) == (said,)


@given(spoiled(SEARCH) | spoiled(STREAM) | spoiled(STREAM[:-1]) | spoiled(reply("openai/chat_search.json")))
def test_a_spoiled_reply_is_read_or_refused(told: object) -> None:
    reads_or_refuses(ENGINE, told)


@pytest.mark.parametrize("name", ["search.json", "chat_search.json", "azure.json", "stream.sse.txt"])
def test_it_claims_its_own_replies(name: str) -> None:
    assert ENGINE.claims(documents(body(f"openai/{name}"), name))


@pytest.mark.parametrize("name", ["xai/responses.json", "xai/grpc.json", "groq/compound.json", "openrouter/chat.json"])
def test_it_does_not_claim_the_replies_of_others(name: str) -> None:
    assert not ENGINE.claims(documents(body(name), name))
