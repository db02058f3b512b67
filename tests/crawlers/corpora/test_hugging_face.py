from urllib.parse import parse_qs, urlsplit

import pytest

from crawlers.base import Request
from geo_flywheel.errors import ConfigError, Unreadable
from geo_flywheel.simulate.scenery import url
from tests.crawlers.corpora.gathering import by_hand, gathered, presences, read, sandbox, wanted

NAME = "hugging_face"
PAGE = "https://a.example/it's"


def replied(rows: list[dict[str, object]], *, partial: object = False, total: int | None = None) -> dict[str, object]:
    listed = [{"row_idx": n, "row": row, "truncated_cells": []} for n, row in enumerate(rows)]
    return {"features": [], "rows": listed, "num_rows_total": len(rows) if total is None else total, "partial": partial}


def states(reply: tuple[int, object], corpus: str = "c4") -> list[tuple[str, int | None]]:
    came, _, error = by_hand(NAME, lambda _: reply, wanted("a.example", pages=(PAGE,)), {"corpora": [corpus]})
    assert error is None
    return [(presence.state, presence.documents) for presence in presences(read(NAME, came))]


def test_a_row_with_the_address_is_presence_and_rows_are_counted_when_all_are_known() -> None:
    assert states((200, replied([{"url": PAGE}]))) == [("present", 1)]


def test_a_row_of_another_address_is_none() -> None:
    assert states((200, replied([{"url": "https://a.example/other"}]))) == [("absent", 0)]


def test_no_row_in_a_whole_data_set_is_absent() -> None:
    assert states((200, replied([]))) == [("absent", 0)]


@pytest.mark.parametrize(
    "reply",
    [
        (200, replied([], partial=True)),
        (200, {"rows": [], "num_rows_total": 0}),
        (200, replied([], total=5)),
        (404, {"error": "not found"}),
        (422, {"error": "Parameter"}),
        (500, {"error": "ResponseNotReady"}),
    ],
)
def test_what_is_partial_or_failed_is_unknown(reply: tuple[int, object]) -> None:
    assert states(reply) == [("unknown", None)]


def test_a_sample_says_nothing_of_what_it_lacks() -> None:
    assert states((200, replied([])), "fineweb") == [("unknown", None)]


def test_rows_of_several_crawls_are_told_crawl_by_crawl() -> None:
    rows: list[dict[str, object]] = [{"url": PAGE, "dump": "CC-MAIN-2024-10"}, {"url": PAGE, "dump": "CC-MAIN-2024-18"}]
    came, _, _ = by_hand(
        NAME, lambda _: (200, replied(rows)), wanted("a.example", pages=(PAGE,)), {"corpora": ["fineweb"]}
    )
    assert [f"{each.observed_on}" for each in presences(read(NAME, came))] == ["2024-03-10", "2024-05-05"]


def test_an_address_is_quoted() -> None:
    sent: list[Request] = by_hand(NAME, lambda _: (200, replied([])), wanted(pages=(PAGE,)), {"corpora": ["c4"]})[1]
    where = parse_qs(urlsplit(sent[0].url).query)["where"]
    assert where == ["\"url\"='https://a.example/it''s'"]


@pytest.mark.parametrize("body", ["<html>", {"rows": 3}, []])
def test_what_is_no_reply_of_the_viewer_is_refused(body: object) -> None:
    with pytest.raises(Unreadable):
        states((200, body))


def test_a_corpus_without_a_data_set_is_refused() -> None:
    with pytest.raises(ConfigError, match="no data set of pile is known"):
        by_hand(NAME, lambda _: (404, ""), wanted(pages=(PAGE,)), {"corpora": ["pile"]})


def test_at_the_sandbox_the_rows_are_the_pages_of_the_last_crawl() -> None:
    market = sandbox()
    held = set(market.corpora.pages(market.corpora.crawls()[0]))
    what = wanted(pages=tuple(url(market.market, page) for page in range(12)))
    found = presences(read(NAME, gathered(market, NAME, what, corpora=["c4", "fineweb"])))
    told = {(each.corpus, each.unit): each.state for each in found}
    for page in range(12):
        address = url(market.market, page)
        assert told["c4", address] == ("present" if page in held else "absent")
        assert told["fineweb", address] == ("present" if page in held else "unknown")
