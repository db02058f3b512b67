import json
from datetime import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.engines.serpapi import ENGINE
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Capture, Status
from tests.crawlers.engines.replies import answer, reads_or_refuses, reply, spoiled
from tests.crawlers.engines.strategies import Mark, answers, told_by_pages

OVERVIEW = reply("serpapi/overview.json")
MODE = reply("serpapi/mode.json")
TOKEN = reply("serpapi/token.json")
NOTHING = {"status": "Success"}


def selected(read: Answer) -> dict[str, list[str | None]]:
    return {page.url: [span and read.text[slice(*span)] for span in page.spans] for page in read.citations}


def shown(*blocks: Any, references: list[Any] | None = None) -> Any:
    overview = {"text_blocks": [*blocks], "references": references or []}
    return {"search_metadata": NOTHING, "search_parameters": {"engine": "google"}, "ai_overview": overview}


def test_references_that_a_block_points_at_are_cited_for_the_text_of_the_block() -> None:
    read = answer(ENGINE, OVERVIEW)
    cited = selected(read)
    assert cited["https://one.test/"] == ["One leads.", "very"]
    assert cited["https://two.test/"] == ["Two:\ngood", "Inside."]
    assert cited["https://three.test/"] == ["Two:\ngood\ncheap\nvery"]


def test_references_that_no_block_points_at_are_retrieved_and_nothing_more() -> None:
    read = answer(ENGINE, OVERVIEW)
    assert [page.url for page in read.retrievals] == [
        f"https://{name}.test/" for name in ("one", "two", "three", "unused")
    ]
    assert "https://unused.test/" not in selected(read)


def test_a_page_the_text_links_to_is_cited_unless_it_is_one_of_googles_results() -> None:
    cited = selected(answer(ENGINE, OVERVIEW))
    assert cited["https://linked.test/"] == ["Two:\ngood"]
    assert not any("google" in url for url in cited)


def test_a_text_fragment_is_the_passage_and_no_part_of_the_address() -> None:
    first = answer(ENGINE, OVERVIEW).citations[0]
    assert (first.url, first.passage, first.title) == ("https://one.test/", "One leads", "One")


def test_the_text_is_what_all_blocks_say_line_by_line() -> None:
    assert answer(ENGINE, OVERVIEW).text.splitlines() == [
        "One leads.", "Others", "Two:", "good", "cheap", "very", "Name | Price", "One | 9", "More", "Inside.",
    ]  # fmt: skip


def test_two_references_to_one_page_are_one_mention_of_a_block() -> None:
    references = [{"link": "https://one.test/#a", "index": 0}, {"link": "https://one.test/", "index": 1}]
    read = answer(ENGINE, shown({"snippet": "One.", "reference_indexes": [0, 1]}, references=references))
    assert selected(read) == {"https://one.test/": ["One."]}


def test_references_without_an_index_count_by_their_place() -> None:
    references = [{"link": "https://one.test/"}, {"link": "https://two.test/"}]
    read = answer(ENGINE, shown({"snippet": "Two.", "reference_indexes": [1]}, references=references))
    assert selected(read) == {"https://two.test/": ["Two."]}


def test_indexes_in_cells_of_unknown_shape_are_those_of_their_block() -> None:
    cells = {"type": "table", "detailed": [[{"snippet": "9", "reference_indexes": [0]}]], "table": [["Price", 9]]}
    read = answer(ENGINE, shown(cells, references=[{"link": "https://one.test/"}]))
    assert selected(read) == {"https://one.test/": ["Price | 9"]}


def test_blocks_of_unknown_type_are_read_and_counted() -> None:
    read = answer(ENGINE, shown({"type": "hologram", "snippet": "One."}))
    assert (read.text, read.skipped_blocks) == ("One.", 1)


def test_blocks_nested_without_end_are_read_to_a_depth() -> None:
    block: Any = {"type": "list", "snippet": "x"}
    for _ in range(300):
        block = {"type": "list", "snippet": "x", "list": [block]}
    read = answer(ENGINE, json.dumps(shown(block)).encode())
    assert read.text.splitlines() == ["x"] * 21


@pytest.mark.parametrize(
    ("told", "engine"),
    [(OVERVIEW, "google_ai_overview"), (TOKEN, "google_ai_overview"), (MODE, "google_ai_mode")],
)
def test_the_engine_is_what_the_reply_holds(told: object, engine: str) -> None:
    read = answer(ENGINE, told)
    assert (read.provider, read.engine, read.surface) == ("serpapi", engine, "serp_provider")


def test_of_ai_mode_comparisons_and_code_are_text() -> None:
    read = answer(ENGINE, MODE)
    assert read.text == "One leads.\nPrice | 9 | 10\ncrm --help"
    assert (selected(read), len(read.retrievals)) == ({"https://one.test/": ["One leads."]}, 2)


def test_of_ai_mode_without_blocks_the_markdown_is_the_text_and_nothing_is_cited() -> None:
    read = answer(ENGINE, {name: told for name, told in MODE.items() if name != "text_blocks"})
    assert (read.text, read.citations, len(read.retrievals)) == ("One leads.", (), 2)


def test_what_the_reply_tells_of_itself() -> None:
    read = answer(ENGINE, OVERVIEW)
    assert (read.status, read.asked_at) == (Status.GROUNDED, datetime(2026, 9, 16, 3, 19, 53))
    assert (read.cost_usd, read.queries, read.model_served, read.skipped_blocks) == (None, (), None, 1)


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (reply("serpapi/not_shown.json"), Status.NOT_SHOWN),
        (TOKEN, Status.INCOMPLETE),
        ({"search_metadata": NOTHING, "search_parameters": {"engine": "google"}}, Status.NOT_SHOWN),
        ({"search_metadata": NOTHING, "search_parameters": {"engine": "google_ai_mode"}}, Status.INCOMPLETE),
        ({"search_metadata": {"status": "Processing"}, "search_parameters": {"engine": "google"}}, Status.INCOMPLETE),
        ({"search_metadata": {"status": "Error"}, "search_parameters": {"engine": "google"}}, Status.ERROR),
        ({"search_metadata": {"status": "Error"}, "error": "hasn't returned any results"}, Status.ERROR),
        ({"search_metadata": NOTHING, "error": "Google hasn't returned any results for this query."}, Status.NOT_SHOWN),
        ({"search_metadata": NOTHING, "ai_overview": {"error": "Can't generate an AI overview now."}}, Status.ERROR),
        ({"error": "Invalid API key."}, Status.ERROR),
        (shown(), Status.INCOMPLETE),
        (shown({"snippet": "One."}), Status.UNGROUNDED),
    ],
)
def test_what_came_of_the_search(told: object, status: Status) -> None:
    read = answer(ENGINE, told)
    assert read.status is status
    assert (read.citations, read.retrievals) == ((), ())


def test_a_failure_that_names_no_engine_is_that_of_the_one_whose_address_was_asked() -> None:
    name = "https://serpapi.com/search.json?engine=google_ai_mode&q=x"
    (read,) = ENGINE.read(Capture("serpapi", b'{"error": "Invalid API key."}', name))
    assert read.engine == "google_ai_mode"
    assert answer(ENGINE, {"error": "Invalid API key."}).engine == "google_ai_overview"


def test_other_searches_are_not_claimed() -> None:
    assert not ENGINE.claims([{"search_metadata": NOTHING, "search_parameters": {"engine": "bing"}}])


def test_another_providers_reply_is_refused() -> None:
    with pytest.raises(Unreadable, match="another provider"):
        answer(ENGINE, {"candidates": []})


def overviews(engine: str) -> st.SearchStrategy[Answer]:
    return answers(
        "serpapi",
        engine=engine,
        surface="serp_provider",
        mark=Mark.LINE,
        cited_are_retrieved=True,
        searched=False,
        modelled=False,
        statuses=[Status.GROUNDED, Status.UNGROUNDED, Status.NOT_SHOWN, Status.ERROR],
    ).filter(told_by_pages)


@given(overviews("google_ai_overview") | overviews("google_ai_mode"))
def test_what_is_rendered_is_read_back(said: Answer) -> None:
    assert ENGINE.read(Capture("serpapi", ENGINE.render(said))) == (said,)


def test_an_overview_nobody_fetched_is_rendered_as_its_token() -> None:
    said = Answer("serpapi", "google_ai_overview", "serp_provider", Status.INCOMPLETE, text="")
    assert "page_token" in orjson.loads(ENGINE.render(said))["ai_overview"]
    assert ENGINE.read(Capture("serpapi", ENGINE.render(said))) == (said,)


@given(spoiled(OVERVIEW) | spoiled(MODE) | spoiled(TOKEN))
def test_a_spoiled_reply_is_read_or_refused(told: object) -> None:
    reads_or_refuses(ENGINE, told)
