import pytest

from crawlers.asking.circumstances import instructions, language, located, user_location
from geo_flywheel.records import Prompt


@pytest.mark.parametrize(
    ("location", "locale", "known"),
    [
        ("", "", {}),
        ("GB", "", {"country": "GB"}),
        ("uk", "", {"country": "GB"}),
        ("Berlin", "", {"city": "Berlin"}),
        ("Berlin", "de-DE", {"country": "DE", "city": "Berlin"}),
        ("Austin, Texas, US", "en-GB", {"country": "US", "region": "Texas", "city": "Austin"}),
        ("Berlin, Germany", "", {"region": "Germany", "city": "Berlin"}),
        (" , ,", "", {}),
        ("", "en-GB", {"country": "GB"}),
        ("", "en_us", {"country": "US"}),
        ("", "zh-Hant-TW", {"country": "TW"}),
        ("", "de", {}),
    ],
)
def test_a_place_is_read_from_location_and_locale(location: str, locale: str, known: dict[str, str]) -> None:
    assert user_location(Prompt("q", locale=locale, location=location)) == known


def test_nothing_known_is_no_field() -> None:
    assert located(Prompt("q")) == {}
    assert located(Prompt("q", locale="fr-FR")) == {"user_location": {"type": "approximate", "country": "FR"}}


@pytest.mark.parametrize(("locale", "code"), [("", ""), ("de-AT", "de"), ("EN", "en"), ("gsw-CH", ""), ("english", "")])
def test_a_language_has_two_letters_or_is_not_told(locale: str, code: str) -> None:
    assert language(Prompt("q", locale=locale)) == code


def test_a_prompt_of_nobody_instructs_nothing() -> None:
    assert instructions(Prompt("q", locale="de-AT"), place=True) == ""
