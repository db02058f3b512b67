from crawlers.reading.citing import Citing, markers, retrievals


def test_a_page_cited_twice_is_one_citation_with_both_spans() -> None:
    citing = Citing("one two")
    citing.cite("https://a.test/x?utm_source=openai", None, (0, 3))
    citing.cite("https://a.test/x", "A", (4, 7))
    (page,) = citing.citations()
    assert (page.url, page.raw_url, page.title) == ("https://a.test/x", "https://a.test/x?utm_source=openai", "A")
    assert (page.position, page.occurrences, page.spans) == (1, 2, ((0, 3), (4, 7)))


def test_positions_follow_the_text_where_every_span_is_known() -> None:
    citing = Citing("one two")
    citing.cite("https://late.test/", span=(4, 7))
    citing.cite("https://early.test/", span=(0, 3))
    assert [page.url for page in citing.citations()] == ["https://early.test/", "https://late.test/"]


def test_positions_follow_the_mentions_where_a_span_is_unknown() -> None:
    citing = Citing("one two")
    citing.cite("https://late.test/", span=(4, 7))
    citing.cite("https://early.test/")
    assert [page.url for page in citing.citations()] == ["https://late.test/", "https://early.test/"]


def test_spans_outside_the_text_count_as_unknown() -> None:
    citing = Citing("one")
    for span in ((0, 4), (-1, 2), (2, 2), (3, 1)):
        citing.cite("https://a.test/", span=span)
    assert citing.citations()[0].spans == (None,) * 4


def test_a_mention_without_an_address_is_none() -> None:
    citing = Citing("one")
    citing.cite("")
    citing.cite("  ")
    assert citing.citations() == ()


def test_words_in_the_fragment_are_the_passage() -> None:
    citing = Citing("one")
    citing.cite("https://a.test/#:~:text=the%20words")
    (page,) = citing.citations()
    assert (page.url, page.passage) == ("https://a.test/", "the words")


def test_retrieved_pages_are_ranked_once_each_as_they_first_came_with_the_first_title() -> None:
    found = retrievals([
        ("https://a.test/", "", None), ("", "none", None),
        ("https://b.test/", "B", "b.test"), ("https://a.test/", "A", None),
    ])  # fmt: skip
    assert [(page.url, page.title, page.rank, page.domain) for page in found] == [
        ("https://a.test/", "A", 1, None), ("https://b.test/", "B", 2, "b.test"),
    ]  # fmt: skip


def test_markers_are_single_or_listed_and_never_links() -> None:
    assert [*markers("a [1][2] b [3, 10] c [4](https://x.test) [x] [1234]")] == [
        (1, (2, 5)), (2, (5, 8)), (3, (11, 18)), (10, (11, 18)),
    ]  # fmt: skip
