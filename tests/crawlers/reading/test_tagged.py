import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.reading.tagged import Tag, without_tags


def test_tags_are_taken_out_and_known_by_where_they_stood() -> None:
    assert without_tags('One<a>{"n": 1}</a> two<a> [2] </a>.', ["a"]) == (
        "One two.",
        [Tag("a", 3, {"n": 1}), Tag("a", 7, [2])],
    )


def test_json_may_hold_what_ends_a_tag() -> None:
    assert without_tags('<a>{"x": "</a>"}</a>!', ["a"]) == ("!", [Tag("a", 0, {"x": "</a>"})])


def test_broken_json_is_a_tag_that_holds_nothing() -> None:
    assert without_tags("One<a>{x}</a>!", ["a"]) == ("One!", [Tag("a", 3, None)])


@pytest.mark.parametrize("cut", ["<a>", "<a>{", '<a>{"x": 1', '<a>{"x": 1}', '<a>{"x": 1}</'])
def test_json_cut_off_with_the_text_belongs_to_its_tag(cut: str) -> None:
    assert without_tags(f"One{cut}", ["a"]) == ("One", [Tag("a", 3, None)])


@pytest.mark.parametrize("told", ["<a>words</a>", "<b>{}</b>", "<a >{}</a >", "a < b", "<w>words"])
def test_what_holds_nothing_of_what_a_tag_should_is_text(told: str) -> None:
    assert without_tags(told, ["a"], ["w"]) == (told, [])


def test_tags_may_hold_words() -> None:
    assert without_tags("One<w>two <i></w>.", [], ["w"]) == ("One.", [Tag("w", 3, "two <i>")])


def test_json_nested_beyond_reason_is_broken() -> None:
    assert without_tags("<a>" + "[" * 100_000 + "</a>.", ["a"]) == (".", [Tag("a", 0, None)])


@given(
    st.lists(st.sampled_from(["<a>", "</a>", "{", "}", '"', "[1]", "<w>", "</w>", "x", " "]), max_size=30).map("".join)
)
def test_any_text_is_split_into_text_and_tags_in_order(told: str) -> None:
    left, tags = without_tags(told, ["a"], ["w"])
    assert len(left) <= len(told)
    assert [tag.place for tag in tags] == sorted(tag.place for tag in tags)
    assert all(tag.place <= len(left) for tag in tags)
