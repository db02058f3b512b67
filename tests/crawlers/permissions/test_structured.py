"""RFC 9651; the fields are those of its examples and of its test suite (httpwg/structured-field-tests)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.permissions.structured import tokens


@pytest.mark.parametrize(
    ("field", "members"),
    [
        ("train-ai=n", {"train-ai": "n"}),
        ("train-ai=n, search=y", {"train-ai": "n", "search": "y"}),
        ("train-ai=n \t,\t search=y", {"train-ai": "n", "search": "y"}),
        ("a=y, b=n, a=n", {"b": "n", "a": "n"}),
        ("a=y;x=1;y, b", {"a": "y", "b": None}),
        ('en="Applepie", da=:w4ZibGV0w6ZydGU=:', {"en": None, "da": None}),
        ("rating=1.5, feelings=(joy sadness)", {"rating": None, "feelings": None}),
        ("a=(1 2), b=3, c=4;aa=bb, d=(5 6);valid", {"a": None, "b": None, "c": None, "d": None}),
        ("a=?0, b, c; foo=bar", {"a": None, "b": None, "c": None}),
        ('d=@1659578233, e=%"f%c3%bc"', {"d": None, "e": None}),
        ("", {}),
        ("  a=y  ", {"a": "y"}),
    ],
)
def test_members_of_a_dictionary(field: str, members: dict[str, str | None]) -> None:
    assert tokens(field) == members


@pytest.mark.parametrize(
    "field",
    [
        "Train-AI=n",
        "a=y,",
        "a=y, ,b=n",
        "a=y b=n",
        "a= y",
        "a =y",
        "=y",
        'a="y',
        "a=1.2345",
        "a=?2",
        "a=(y",
        "a=(y,n)",
        "a=y;",
        "a=é",
        "1a=y",
        "train-ai=",
    ],
)
def test_what_is_no_dictionary_is_none_as_a_whole(field: str) -> None:
    assert tokens(field) is None


@given(st.text(alphabet=st.sampled_from('ayn=,;() "\\:?@%1.-é\t'), max_size=40))
def test_every_field_is_read_or_refused(field: str) -> None:
    found = tokens(field)
    assert found is None or all(value is None or value for value in found.values())


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_-]{0,5}", fullmatch=True), st.sampled_from("yn"), max_size=5))
def test_what_is_written_is_read(members: dict[str, str]) -> None:
    assert tokens(", ".join(f"{key}={value}" for key, value in members.items())) == members
