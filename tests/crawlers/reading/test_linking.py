import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.reading.linking import Placing, UrlCitation, links, url_citation


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a [h](https://a.test/x) b", ["[h](https://a.test/x)"]),
        ("a ([h](https://a.test/x)) b", ["([h](https://a.test/x))"]),
        ("a [[1]](https://a.test/x)[[2]](https://b.test/)", ["[[1]](https://a.test/x)", "[[2]](https://b.test/)"]),
        ("([h](https://a.test/P_(x)))", ["([h](https://a.test/P_(x)))"]),
        ('[h](https://a.test/ "title")', ['[h](https://a.test/ "title")']),
        ("see https://a.test/x, or <https://b.test/>.", ["https://a.test/x", "https://b.test/"]),
        ("(https://a.test/P_(x).)", ["https://a.test/P_(x)"]),
        ("[https://a.test/](https://a.test/)", ["[https://a.test/](https://a.test/)"]),
        ("([a](https://a.test/), [b](https://b.test/))", ["[a](https://a.test/)", "[b](https://b.test/)"]),
        ("no [1] link (a) here, nor ftp://a.test", []),
    ],
)
def test_links_of_a_text_are_found_whole(text: str, shown: list[str]) -> None:
    assert [text[slice(*link.span)] for link in links(text)] == shown


@given(st.text("[]()<>ht ps:/a.\"'x,", max_size=60) | st.text())
def test_links_lie_in_their_text_in_order_and_apart(text: str) -> None:
    spans = [link.span for link in links(text)]
    assert spans == sorted(spans)
    assert all(0 <= start < end <= len(text) for start, end in spans)


def test_a_long_run_of_brackets_is_not_slow() -> None:
    text = "[" * 50_000 + "](https://a.test/)" + "](http" * 20_000
    assert len(links(text)) == 1


def test_annotations_are_read_flat_and_nested() -> None:
    said = {"url": "https://a.test/", "title": "", "start_index": 1, "end_index": True}
    assert url_citation(said) == url_citation({"url_citation": said}) == UrlCitation("https://a.test/", None, 1, None)


def test_an_annotation_without_an_address_is_none() -> None:
    assert url_citation({"url_citation": {"url": " "}}) is None


def test_two_annotations_without_offsets_take_two_links() -> None:
    placing = Placing("[a](https://a.test/) [b](https://a.test/)")
    said = UrlCitation("https://a.test/", None, None, None)
    assert [placing.place(said) for _ in range(3)] == [(0, 20), (21, 41), None]


def test_offsets_that_cut_a_surrogate_pair_are_no_place() -> None:
    assert Placing("📈📈 x").place(UrlCitation("https://a.test/", None, 1, 4)) is None


def test_many_annotations_that_fit_nowhere_are_not_slow() -> None:
    placing = Placing("📈 https://a.test/ " * 20_000)
    said = UrlCitation("https://b.test/", None, 0, 300_000)
    assert not any(placing.place(said) for _ in range(20_000))
