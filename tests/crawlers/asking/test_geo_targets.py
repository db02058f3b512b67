import pytest

from crawlers.asking.geo_targets import geo_target


@pytest.mark.parametrize(("country", "number"), [("US", 2840), ("GB", 2826), ("DE", 2276), ("AF", 2004), ("AT", 2040)])
def test_a_country_has_googles_number(country: str, number: int) -> None:
    assert geo_target(country) == number


@pytest.mark.parametrize("country", ["", "XX", "us", "USA"])
def test_what_is_no_country_has_none(country: str) -> None:
    assert geo_target(country) is None
