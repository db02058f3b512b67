from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.reading.lenient import amount, embedded, integer, mappings, moment, seconds

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (1767225600, "2026-01-01 00:00:00"),
        (1767225600.5, "2026-01-01 00:00:00.500000"),
        ("2026-01-01T02:00:00.123456789+02:00", "2026-01-01 00:00:00.123456"),
        ("2026-01-01T00:00:00Z", "2026-01-01 00:00:00"),
        ("2026-01-01T00:00:00", "2026-01-01 00:00:00"),
    ],
)
def test_moments_are_naive_utc(told: object, meant: str) -> None:
    assert str(moment(told)) == meant


@pytest.mark.parametrize("told", [0, -1, 1e300, True, "soon", "0001-01-01T00:00:00+14:00", None, []])
def test_what_is_no_moment_of_this_century_is_none(told: object) -> None:
    assert moment(told) is None


def test_seconds_undo_a_moment() -> None:
    assert seconds(moment(1767225600)) == 1767225600
    assert seconds(datetime.fromisoformat("2026-01-01")) == 1767225600
    assert seconds(None) is None


@pytest.mark.parametrize(("told", "meant"), [(1, 1.0), ("77397500", 77397500.0), (0, 0.0), (0.5, 0.5)])
def test_amounts_are_read_from_numbers_and_strings(told: object, meant: float) -> None:
    assert amount(told) == meant


@pytest.mark.parametrize("told", [-1, True, "much", "nan", "1e999", None, {}])
def test_what_is_no_amount_is_none(told: object) -> None:
    assert amount(told) is None


@given(anything)
def test_nothing_raises(told: object) -> None:
    amount(told)
    moment(told)
    assert integer(True) is None
    assert embedded(told) == {} or isinstance(told, str)
    assert all(isinstance(item, dict) for item in mappings(told))


def test_an_object_inside_a_string_is_read() -> None:
    assert embedded('{"query": "x"}') == {"query": "x"}
    assert embedded("[1]") == {}
