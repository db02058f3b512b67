from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.analytics.landing import Cut, Place, belongs, landing, summed
from geo_flywheel.urls import canonical, site

DAY = date(2026, 10, 1)


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("/a?utm_source=chatgpt.com#x", Place("https://www.e.example/a", "page")),
        ("a", Place("https://www.e.example/a", "page")),
        ("/", Place("https://www.e.example/", "page")),
        ("https://shop.e.example/a?x=1", Place("https://shop.e.example/a", "page")),
        ("(not set)", Place("www.e.example", "host")),
        ("(other)", Place("www.e.example", "host")),
        ("", Place("www.e.example", "host")),
    ],
)
def test_a_landing_page_is_an_address_without_its_query_or_the_host_alone(said: str, place: Place) -> None:
    assert landing("www.e.example", said) == place


@given(st.text())
def test_a_path_never_leaves_its_host(said: str) -> None:
    place = landing("www.e.example", f"/{said}")
    if place.unit_kind == "page":
        assert site(canonical(place.unit).url) == "e.example"


@given(st.lists(st.tuples(st.sampled_from(["/a", "/b", "(not set)"]), st.integers(0, 9)), max_size=20))
def test_no_visit_is_lost_or_counted_twice(rows: list[tuple[str, int]]) -> None:
    cuts = [(Cut(landing("e.example", path), DAY, "ChatGPT", "source"), {"sessions": float(n)}) for path, n in rows]
    found = list(summed(cuts, "ga4", "rule", partial=None))
    assert sum(fact.value for fact in found) == sum(n for _, n in rows)
    assert len({fact.unit for fact in found}) == len(found)


def test_a_host_belongs_to_a_site_when_it_is_it_or_lies_below_it() -> None:
    assert belongs("e.example", "e.example")
    assert belongs("a.e.example", "e.example")
    assert not belongs("note.example", "e.example")
    assert not belongs("e.example.evil.example", "e.example")
