from hypothesis import given
from hypothesis import strategies as st

from crawlers.reading.byte_spans import ByteSpans

PARTS = st.lists(st.text(st.sampled_from("aé€𝄞 \n"), max_size=1500), min_size=1, max_size=4)


@st.composite
def _inside(draw: st.DrawFn) -> tuple[list[str], int, int, int]:
    """Parts, the number of one that is not empty, and a span of its characters."""
    parts = draw(PARTS.filter(any))
    part = draw(st.sampled_from([number for number, words in enumerate(parts) if words]))
    start = draw(st.integers(0, len(parts[part]) - 1))
    return parts, part, start, draw(st.integers(start + 1, len(parts[part])))


@given(_inside())
def test_bytes_of_a_part_become_code_points_of_the_whole(inside: tuple[list[str], int, int, int]) -> None:
    parts, part, start, end = inside
    words, before = parts[part][start:end], sum(map(len, parts[:part]))
    first = len(parts[part][:start].encode())
    span = ByteSpans(parts).span(first, first + len(words.encode()), part=part, words=words)
    assert span == (before + start, before + end)


@given(PARTS, st.integers(-3, 6000), st.integers(-3, 6000), st.none() | st.integers(-2, 5))
def test_a_span_selects_what_its_bytes_select_or_is_none(
    parts: list[str], start: int, end: int, part: int | None
) -> None:
    span = ByteSpans(parts).span(start, end, part=part)
    if span:
        within = "".join(parts) if part is None else parts[part]
        assert "".join(parts)[slice(*span)].encode() == within.encode()[start:end]


def test_bytes_without_a_part_are_counted_in_the_whole_text() -> None:
    assert ByteSpans(["ä", "ö"]).span(2, 4) == (1, 2)


def test_a_span_that_cuts_a_character_leaves_its_part_or_selects_other_words_is_none() -> None:
    spans = ByteSpans(["äb", "c"])
    assert spans.span(1, 3) is None
    assert spans.span(0, 1) is None
    assert spans.span(2, 4, part=0) is None
    assert spans.span(0, 1, part=2) is None
    assert spans.span(0, 3, words="äc") is None
    assert spans.span(2, 2) is None
