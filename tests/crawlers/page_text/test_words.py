import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.page_text.words import plain, sentences, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It's what they don't say.", "It 's what they do n't say ."),
        ("the U.S. price of 3.50, i.e. 1,000 yen", "the U.S. price of 3.50 , i.e. 1,000 yen"),
        ("the 1st of Dr. May's", "the 1st of Dr. May 's"),
        (
            "see https://a.example/x?y=1, or mail b.c@d.example!",
            "see https://a.example/x?y=1 , or mail b.c@d.example !",
        ),
        ("well-known (and so on...)", "well - known ( and so on ... )"),
    ],
)
def test_punctuation_and_contractions_are_words_of_their_own(text: str, found: str) -> None:
    assert words(text) == found.split()


def test_signs_alone_are_no_plain_words() -> None:
    assert plain(["a", "...", "—", "n't", "§", "4"]) == ["a", "n't", "4"]


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("One is here. Two is here! Is three here?", 3),
        ("Dr. May was in the U.S. for a year.", 1),
        ('She said: "No." He left.', 2),
        ("Wait... and see", 2),
        ("no end at all", 1),
        ("", 0),
        ("version 3.5 of it", 1),
    ],
)
def test_sentences_end_at_their_signs_and_not_at_abbreviations(line: str, count: int) -> None:
    assert len(sentences(line)) == count


@given(st.text())
def test_nothing_but_white_space_is_lost(text: str) -> None:
    assert "".join(words(text)) == "".join(text.split())
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


@pytest.mark.parametrize("text", ["+" * 300_000, "." * 300_000 + "x", "a. " * 100_000, "a." * 150_000, "1," * 150_000])
def test_no_text_takes_time_that_grows_with_its_square(text: str) -> None:
    assert words(text)
    assert sentences(text)
