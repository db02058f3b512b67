from copy import deepcopy
from datetime import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.engines.dataforseo import ENGINE
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Capture, Status
from tests.crawlers.engines.replies import answer, reads_or_refuses, reply, spoiled
from tests.crawlers.engines.strategies import Mark, answers, told_by_pages

OVERVIEW = reply("dataforseo/overview.json")
MODE = reply("dataforseo/mode.json")
FAILED = reply("dataforseo/failed.json")


def selected(read: Answer) -> dict[str, list[str | None]]:
    return {page.url: [span and read.text[slice(*span)] for span in page.spans] for page in read.citations}


def told(*items: Any, **task: Any) -> Any:
    reply = deepcopy(OVERVIEW)
    reply["tasks"][0]["result"][0]["items"] = [*items]
    reply["tasks"][0] |= task
    return reply


def test_references_of_an_element_are_cited_for_its_text_and_those_of_its_components_for_theirs() -> None:
    cited = selected(answer(ENGINE, OVERVIEW))
    assert cited["https://one.test/"] == ["Leaders\nOne leads."]
    assert cited["https://two.test/"] == ["Two follows."]


def test_references_of_the_overview_alone_are_retrieved_and_nothing_more() -> None:
    read = answer(ENGINE, OVERVIEW)
    assert [page.url for page in read.retrievals] == [f"https://{name}.test/" for name in ("unused", "one", "two")]
    assert "https://unused.test/" not in selected(read)


def test_a_page_an_element_links_to_is_cited_and_not_retrieved() -> None:
    read = answer(ENGINE, OVERVIEW)
    assert selected(read)["https://linked.test/"] == ["Leaders\nOne leads."]
    assert "https://linked.test/" not in [page.url for page in read.retrievals]


def test_a_text_fragment_is_the_passage_and_no_part_of_the_address() -> None:
    first = answer(ENGINE, OVERVIEW).citations[0]
    assert (first.url, first.passage, first.occurrences) == ("https://one.test/", "One leads", 1)


def test_tables_are_text_and_cards_and_advertisements_are_neither_text_nor_cited_but_counted() -> None:
    read = answer(ENGINE, OVERVIEW)
    assert read.text == "Leaders\nOne leads.\nMore\nTwo follows.\nName | Price\nOne | 9"
    paid = {"type": "ai_overview_paid", "text": "Buy", "items": [{"url": "https://ad.test/"}]}
    read = answer(ENGINE, told({"type": "ai_overview", "markdown": "One.", "items": [paid]}))
    assert (read.text, read.citations, read.skipped_blocks) == ("One.", (), 1)


def test_an_overview_told_in_markdown_alone_cites_what_it_links_to() -> None:
    overview = {
        "type": "ai_overview",
        "markdown": "One [[1]](https://one.test/).",
        "references": [{"url": "https://b.test/"}],
    }
    read = answer(ENGINE, told(overview))
    assert (list(selected(read)), [page.url for page in read.retrievals]) == (
        ["https://one.test/"],
        ["https://b.test/"],
    )


@pytest.mark.parametrize(
    ("body", "engine"),
    [(OVERVIEW, "google_ai_overview"), (MODE, "google_ai_mode"), (FAILED, "google_ai_mode")],
)
def test_the_engine_is_what_the_task_holds(body: object, engine: str) -> None:
    read = answer(ENGINE, body)
    assert (read.provider, read.engine, read.surface) == ("dataforseo", engine, "serp_provider")


def test_what_the_reply_tells_of_itself() -> None:
    read = answer(ENGINE, OVERVIEW)
    assert (read.status, read.cost_usd, read.queries) == (Status.GROUNDED, 0.004, ("crm 2026",))
    assert (read.asked_at, read.model_served) == (datetime(2026, 5, 28, 20, 26, 40), None)


def test_the_cost_of_the_whole_is_that_of_its_only_task() -> None:
    body = deepcopy(OVERVIEW)
    del body["tasks"][0]["cost"]
    assert answer(ENGINE, body | {"cost": 0.01}).cost_usd == 0.01


def test_each_task_of_several_is_an_answer_with_its_own_cost() -> None:
    second = {**MODE["tasks"][0], "cost": None}
    body = OVERVIEW | {"cost": 9, "tasks": [OVERVIEW["tasks"][0], second]}
    read = ENGINE.read(Capture("dataforseo", orjson.dumps(body)))
    assert [(found.engine, found.cost_usd) for found in read] == [
        ("google_ai_overview", 0.004),
        ("google_ai_mode", None),
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (FAILED, Status.ERROR),
        (OVERVIEW | {"status_code": 40200}, Status.ERROR),
        (told({"type": "ai_overview", "markdown": "One."}, status_code=40501), Status.ERROR),
        ({"status_code": 40100, "status_message": "You are not Authorized", "tasks": None}, Status.ERROR),
        ({"status_code": 40100, "status_message": "You are not Authorized"}, Status.ERROR),
        (told(), Status.NOT_SHOWN),
        (told({"type": "organic", "url": "https://organic.test/"}), Status.NOT_SHOWN),
        (told({"type": "ai_overview", "asynchronous_ai_overview": True, "markdown": None}), Status.INCOMPLETE),
        (told(result=None), Status.INCOMPLETE),
        (told({"type": "ai_overview", "markdown": "One."}), Status.UNGROUNDED),
    ],
)
def test_what_came_of_the_task(body: object, status: Status) -> None:
    read = answer(ENGINE, body)
    assert read.status is status
    assert (read.citations, read.retrievals) == ((), ())


def test_a_failure_that_names_no_engine_is_that_of_the_one_whose_address_was_asked() -> None:
    body = b'{"status_code": 40100, "tasks": null}'
    (read,) = ENGINE.read(
        Capture("dataforseo", body, "https://api.dataforseo.com/v3/serp/google/ai_mode/live/advanced")
    )
    assert read.engine == "google_ai_mode"


def test_tasks_of_other_kinds_are_not_claimed() -> None:
    assert not ENGINE.claims([told(path=["v3", "backlinks", "summary", "live"])])


def test_another_providers_reply_is_refused() -> None:
    with pytest.raises(Unreadable, match="another provider"):
        answer(ENGINE, {"candidates": []})


def overviews(engine: str) -> st.SearchStrategy[Answer]:
    return answers(
        "dataforseo",
        engine=engine,
        surface="serp_provider",
        mark=Mark.LINE,
        cited_are_retrieved=True,
        modelled=False,
        costs=st.none() | st.floats(0, 1e6),
        statuses=[Status.GROUNDED, Status.UNGROUNDED, Status.NOT_SHOWN, Status.ERROR],
    ).filter(told_by_pages)


@given(overviews("google_ai_overview") | overviews("google_ai_mode"))
def test_what_is_rendered_is_read_back(said: Answer) -> None:
    assert ENGINE.read(Capture("dataforseo", ENGINE.render(said))) == (said,)


@given(spoiled(OVERVIEW) | spoiled(MODE) | spoiled(FAILED))
def test_a_spoiled_reply_is_read_or_refused(body: object) -> None:
    reads_or_refuses(ENGINE, body)
