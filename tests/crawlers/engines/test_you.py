import pytest
from hypothesis import given

from crawlers.engines.you import ENGINE
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Capture, Status
from tests.crawlers.engines.replies import answer, reads_or_refuses, reply, spoiled
from tests.crawlers.engines.strategies import Mark, answers, told_by_pages

ANSWER = reply("you/answer.json")
RESEARCH = reply("you/research.json")


def selected(read: Answer) -> dict[str, list[str | None]]:
    return {page.url: [span and read.text[slice(*span)] for span in page.spans] for page in read.citations}


def test_a_marker_cites_the_entries_of_its_numbers_and_an_entry_without_one_is_cited_at_no_known_place() -> None:
    assert selected(answer(ENGINE, ANSWER)) == {
        "https://one.test/": ["[[1, 2]]"],
        "https://two.test/": ["[[1, 2]]", "[2]"],
        "https://three.test/": [None],
    }


def test_titles_come_from_the_results_and_passages_from_the_excerpts() -> None:
    assert [(page.title, page.passage) for page in answer(ENGINE, ANSWER).citations] == [
        ("One", "One costs little.\nIt is cheap."), ("Two", None), (None, "Three exists."),
    ]  # fmt: skip


def test_all_results_are_retrieved_and_the_unused_one_is_nothing_more() -> None:
    read = answer(ENGINE, ANSWER)
    assert [page.url for page in read.retrievals] == [
        "https://two.test/", "https://one.test/", "https://unused.test/",
    ]  # fmt: skip
    assert "https://unused.test/" not in selected(read)


def test_a_link_and_a_number_without_an_entry_cite_nothing() -> None:
    told = ANSWER | {"answer": "See [3](https://link.test/), [[9]] and [0].", "citations": []}
    assert answer(ENGINE, told).citations == ()


def test_of_research_only_what_a_marker_names_is_cited() -> None:
    read = answer(ENGINE, RESEARCH)
    assert selected(read) == {"https://two.test/": ["[[2]]"]}
    assert [page.url for page in read.retrievals] == ["https://one.test/", "https://two.test/"]


def test_neither_cost_nor_queries_nor_model_nor_time_are_told() -> None:
    read = answer(ENGINE, ANSWER)
    assert (read.cost_usd, read.queries, read.model_served, read.asked_at) == (None, (), None, None)


def test_without_pages_the_answer_is_ungrounded_and_without_words_incomplete() -> None:
    assert answer(ENGINE, {"answer": "One.", "citations": []}).status is Status.UNGROUNDED
    assert answer(ENGINE, ANSWER | {"answer": ""}).status is Status.INCOMPLETE
    assert answer(ENGINE, {"output": {"content": {"an": "object"}, "sources": []}}).status is Status.INCOMPLETE


@pytest.mark.parametrize(
    "told",
    [{"error": "quota"}, {"detail": [{"loc": ["body"], "msg": "x"}]}, {"errors": [{"status": "422"}]}],
)
def test_an_error_is_an_answer(told: object) -> None:
    assert answer(ENGINE, told).status is Status.ERROR


def test_what_the_status_of_the_reply_calls_a_failure_is_an_answer_whatever_its_body() -> None:
    (read,) = ENGINE.read(Capture("you", b'{"oops": 1}', http_status=502))
    assert read.status is Status.ERROR


def test_another_providers_reply_is_refused() -> None:
    with pytest.raises(Unreadable, match="another provider"):
        answer(ENGINE, {"candidates": []})


@given(
    answers(
        "you",
        mark=Mark.POSITION,
        cited_are_retrieved=True,
        unplaced=True,
        searched=False,
        modelled=False,
        dated=False,
        statuses=[Status.GROUNDED, Status.UNGROUNDED, Status.ERROR],
    ).filter(told_by_pages)
)
def test_what_is_rendered_is_read_back(said: Answer) -> None:
    assert ENGINE.read(Capture("you", ENGINE.render(said))) == (said,)


@given(spoiled(ANSWER) | spoiled(RESEARCH))
def test_a_spoiled_reply_is_read_or_refused(told: object) -> None:
    reads_or_refuses(ENGINE, told)
