"""infini-gram and infini-gram-mini: a page is present when several of its sentences are, and never absent."""

from collections.abc import Mapping
from datetime import date

import orjson
import pytest

from crawlers.base import Request
from crawlers.pages import passages
from crawlers.sandbox.addresses import Sandbox
from geo_flywheel.errors import ConfigError
from geo_flywheel.records import PresenceState
from geo_flywheel.simulate.scenery import host, path, url
from tests.crawlers.corpora.gathering import by_hand, gathered, presences, read, sandbox, wanted

PAGE = "https://a.example/x"
SENTENCES = ("One sentence that stands here.", "Another one that stands here.", "A third one of the same page.")
BOTH = ["infini_gram", "infini_gram_mini"]
ONE: Mapping[str, object] = {"indexes": ["v4_c4train_llama"]}
MINI: Mapping[str, object] = {"indexes": ["v2_cc_2025-30"]}


def counting(request: Request) -> tuple[int, object]:
    """One of everything, and no list of crawls."""
    return (200, {"count": 1}) if request.method == "POST" else (404, "")


def asked(name: str, *replies: tuple[int, object]) -> tuple[list[PresenceState], list[Request]]:
    """States read when the sentences get these replies in order."""
    left = list(replies)

    def answer(request: Request) -> tuple[int, object]:
        return left.pop(0) if request.method == "POST" else (404, "")

    what = wanted("a.example", pages=(PAGE,), passages={PAGE: SENTENCES})
    came, sent, _ = by_hand(name, answer, what, ONE if name == "infini_gram" else MINI)
    return [presence.state for presence in presences(read(name, came))], [r for r in sent if r.method == "POST"]


@pytest.mark.parametrize("name", BOTH)
class TestCounts:
    def test_two_sentences_make_a_page_present_and_the_third_is_not_asked_for(self, name: str) -> None:
        states, sent = asked(name, (200, {"count": 3}), (200, {"count": 1}))
        assert states == ["present"]
        assert [orjson.loads(request.body)["query"] for request in sent] == list(SENTENCES[:2])

    @pytest.mark.parametrize(
        "replies",
        [
            [(200, {"count": 0})] * 3,
            [(200, {"count": 1}), (200, {"count": 0}), (200, {"count": 0})],
            [(200, {"count": 5000})] * 3,
            [(200, {"error": "[Flask] something", "count": 7})] * 3,
            [(500, {"count": 7})] * 3,
            [(200, "<html>")] * 3,
            [(200, {"count": "7"})] * 3,
            [(200, [1])] * 3,
        ],
    )
    def test_anything_less_is_unknown_and_never_absent(self, name: str, replies: list[tuple[int, object]]) -> None:
        assert asked(name, *replies)[0] == ["unknown"]


@pytest.mark.parametrize("name", BOTH)
def test_a_sentence_of_two_pages_tells_neither(name: str) -> None:
    what = wanted(pages=(PAGE, "https://a.example/y"), passages={PAGE: SENTENCES, "https://a.example/y": SENTENCES[:2]})
    came, sent, _ = by_hand(name, counting, what, ONE if name == "infini_gram" else MINI)
    assert [(each.unit, each.state) for each in presences(read(name, came))] == [(PAGE, "unknown")]
    assert [orjson.loads(r.body)["query"] for r in sent if r.method == "POST"] == [SENTENCES[2]]


@pytest.mark.parametrize("name", BOTH)
def test_a_page_without_passages_is_fetched_for_its_sentences(name: str) -> None:
    words = "Every seventh lantern in the harbour of Wexmoor burned blue during the storm of 1911. "
    more = "Keeper Aldous Finch counted eleven herons on the northern pier before the fog came in. "

    def answer(request: Request) -> tuple[int, object]:
        if request.public:
            return (
                200,
                f"<html><body><article><p>{words}</p><p>{more}</p><p>{words[:-40]} again.</p></article></body></html>",
            )
        return counting(request)

    options = {"sites": "http://127.0.0.1:9/sites", **(ONE if name == "infini_gram" else MINI)}
    came, sent, _ = by_hand(name, answer, wanted(pages=(PAGE,)), options)
    assert [request.url for request in sent if request.public] == ["http://127.0.0.1:9/sites/a.example/x"]
    assert [each.state for each in presences(read(name, came))] == ["present"]


@pytest.mark.parametrize("name", BOTH)
def test_a_page_that_shuts_us_out_stops_no_other(name: str) -> None:
    def answer(request: Request) -> tuple[int, object]:
        return (403, "") if request.public else counting(request)

    what = wanted(pages=("https://shut.example/", PAGE), passages={PAGE: SENTENCES})
    came, _, error = by_hand(name, answer, what, ONE if name == "infini_gram" else MINI)
    assert error is None
    assert [(each.unit, each.state) for each in presences(read(name, came))] == [(PAGE, "present")]


@pytest.mark.parametrize("name", BOTH)
def test_a_page_that_cannot_be_had_says_nothing(name: str) -> None:
    came, _, error = by_hand(name, lambda _: (404, ""), wanted("a.example", pages=(PAGE,)))
    assert (came, error) == ([], None)


def test_a_crawl_s_index_is_dated_by_the_crawl() -> None:
    listed = [{"id": "CC-MAIN-2025-30", "from": "2025-07-07T18:36:38", "to": "2025-07-20T20:56:29"}]

    def answer(request: Request) -> tuple[int, object]:
        return (200, listed) if request.method == "GET" else (200, {"count": 1})

    what = wanted("a.example", pages=(PAGE,), passages={PAGE: SENTENCES})
    came, _, _ = by_hand("infini_gram_mini", answer, what, MINI)
    (presence,) = presences(read("infini_gram_mini", came))
    assert (presence.corpus, presence.observed_on) == ("common_crawl", date(2025, 7, 20))


def test_the_other_spelling_of_an_index_is_tried_once() -> None:
    def answer(request: Request) -> tuple[int, object]:
        known = b'"v2_cc-2025-30"' in request.body
        return (200, {"count": 1}) if known else (400, {"error": "[Flask] Invalid index: v2_cc_2025-30"})

    what = wanted("a.example", pages=(PAGE,), passages={PAGE: SENTENCES})
    came, sent, _ = by_hand("infini_gram_mini", answer, what, MINI)
    assert [presence.state for presence in presences(read("infini_gram_mini", came))] == ["present"]
    assert [b"v2_cc_" in request.body for request in sent if request.method == "POST"] == [True, False, False]


@pytest.mark.parametrize("name", BOTH)
def test_an_index_of_no_known_corpus_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="no corpus is known for the index v9_secret"):
        by_hand(name, lambda _: (404, ""), wanted("a.example", pages=(PAGE,)), {"indexes": ["v9_secret"]})


def test_at_the_sandbox_the_pages_present_are_those_that_were_crawled() -> None:
    market = sandbox()
    crawl = market.corpora.crawls()[1]
    held = set(market.corpora.pages(crawl))
    numbers = [*sorted(held)[:6], *sorted(set(range(60)) - held)[:6]]
    pages = tuple(url(market.market, number) for number in numbers)
    what = wanted(
        pages=pages, passages={page: own_words(market, number) for page, number in zip(pages, numbers, strict=True)}
    )
    index = f"v2_cc_{crawl.id.removeprefix('CC-MAIN-')}"
    facts = presences(read("infini_gram_mini", gathered(market, "infini_gram_mini", what, indexes=[index])))
    present = {presence.unit for presence in facts if presence.state == "present"}
    assert present <= {url(market.market, number) for number in held}
    assert len(present) >= 4
    assert {presence.state for presence in facts} == {"present", "unknown"}


def own_words(market: Sandbox, number: int) -> tuple[str, ...]:
    page = market.sites.get(host(int(market.market.site[number])), path(market.market, number))
    return passages({"content-type": page.content_type}, page.body, 8)
