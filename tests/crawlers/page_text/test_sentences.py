import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.page_text.sentences import distinctive

_RARE = "Yesterday the cooper Aurelius mended nineteen herring barrels behind Saint Olaf."
_PLAIN = "It was one of the things that we had to do there."
_LONG = "When the tide went out at Kirkwall " + "and the gulls came down over the pier " * 4 + "it was over."


def test_names_and_numbers_come_before_what_everybody_writes() -> None:
    assert distinctive(f"{_PLAIN} {_RARE}", 1) == (_RARE,)
    assert distinctive(f"{_PLAIN} {_RARE}", 5) == (_RARE, _PLAIN)


def test_each_paragraph_is_asked_before_any_twice() -> None:
    other = "Nobody in this house has ever oiled the great wheel."
    assert distinctive(f"{_RARE} {_PLAIN}\n{other}", 2) == (_RARE, other)


def test_of_a_long_sentence_the_first_fifteen_words_are_taken() -> None:
    (found,) = distinctive(_LONG, 1)
    assert len(found.split()) == 15
    assert found in _LONG


@pytest.mark.parametrize(
    "text",
    [
        "Too short to tell anything.",
        "By reading on you accept that this site uses cookies of ours and others.",
        "Copyright by the people of this house and of all other houses too.",
        "12 13 14 15 16 17 18 19 20 21 22 23.",
        f"{_RARE}\nSomething else is said here in eight words.\n{_RARE}\n",
        "",
    ],
)
def test_boilerplate_repetition_and_fragments_are_left_out(text: str) -> None:
    assert _RARE not in distinctive(text, 9)
    assert len(distinctive(text, 9)) <= 1


def test_none_are_none() -> None:
    assert distinctive(_RARE, 0) == ()


@given(st.text(alphabet=st.sampled_from("abc DE1.,!?\n\u2028'é"), max_size=400), st.integers(0, 5))
def test_what_is_found_stands_in_one_paragraph_once(text: str, count: int) -> None:
    found = distinctive(text, count)
    assert len(found) <= count
    for sentence in found:
        assert 8 <= len(sentence.split()) <= 15
        assert text.count(sentence) == 1
        assert any(sentence in line for line in text.splitlines())
