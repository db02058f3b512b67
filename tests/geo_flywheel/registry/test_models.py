from datetime import date

import pytest

from geo_flywheel.registry import corpora
from geo_flywheel.registry.models import can_have_fed, corpora_of, model, models


def test_every_model_has_dates_a_source_and_no_name_twice() -> None:
    called = [name for known in models().values() for name in (known.name, *known.aliases)]
    assert len(called) == len(set(called))
    for known in models().values():
        assert known.name == known.name.lower()
        assert known.source
        assert known.date >= date(2026, 11, 1)
        assert (known.cut_off is None) == (known.kind is None)
        assert known.cut_off is None or known.cut_off[0] <= known.cut_off[1] < known.released
        assert set(known.trained_on) <= set(corpora())


def test_every_corpus_bears_the_day_it_was_looked_up_and_ends_before_it_was_published() -> None:
    for held in corpora().values():
        assert held.date is not None
        assert not held.training or held.published is not None
        assert held.until is None or held.until <= held.published  # type: ignore[operator]


@pytest.mark.parametrize(
    ("served", "name"),
    [
        ("gpt-5", "gpt-5"),
        ("gpt-5-2025-08-07", "gpt-5"),
        ("openai/gpt-6-sol", "gpt-6-sol"),
        ("claude-opus-4-5-20251101", "claude-opus-4-5"),
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"),
        ("OLMo-2-0325-32B-Instruct", "olmo-2-0325-32b"),
    ],
)
def test_a_reply_s_name_leads_to_its_model(served: str, name: str) -> None:
    found = model(served)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("served", ["gpt-5-turbo", "gpt-55", "gpt", "", "sonar-pro", "gemini-2.5-flash-lite-next"])
def test_a_near_name_is_another_model(served: str) -> None:
    assert model(served) is None


@pytest.mark.parametrize(
    ("served", "ended", "can"),
    [
        ("gpt-4.1", date(2024, 3, 31), "yes"),  # cut-off of knowledge 2024-04, released 2025-04-14
        ("gpt-4.1", date(2024, 4, 20), "unknown"),  # the month alone is told
        ("gpt-4.1", date(2025, 1, 1), "unknown"),  # training data may reach beyond what is known reliably
        ("gpt-4.1", date(2025, 4, 15), "no"),
        ("olmo-7b-0424", date(2023, 9, 30), "yes"),  # the end of the training data is told: 2023-10
        ("olmo-7b-0424", date(2023, 11, 1), "no"),
        ("grok-4.5", date(2026, 1, 1), "unknown"),  # no cut-off is told
        ("grok-4.5", date(2026, 7, 9), "no"),
        ("a-model-of-mine", date(2026, 1, 1), "unknown"),
    ],
)
def test_a_crawl_can_have_fed_what_came_after_it(served: str, ended: date, can: str) -> None:
    assert can_have_fed(served, "common_crawl", ended).can == can


def test_what_its_makers_name_is_told_whatever_the_dates() -> None:
    found = can_have_fed("olmo-2-1124-7b", "dclm-baseline")
    assert (found.can, found.told) == ("yes", True)
    assert not can_have_fed("gpt-5", "c4").told


@pytest.mark.parametrize(
    ("corpus", "can"),
    [("c4", "yes"), ("dolma3", "no"), ("wayback", "no"), ("my own", "unknown"), ("fineweb", "unknown")],
)
def test_a_corpus_can_have_fed_what_was_released_after_it_was_published(corpus: str, can: str) -> None:
    assert can_have_fed("gpt-4.1", corpus).can == can


def test_a_fixed_corpus_is_not_dated_by_the_row_that_speaks_of_it() -> None:
    assert can_have_fed("gpt-4.1", "c4", date(2026, 11, 1)).can == "yes"


def test_a_corpus_nobody_lists_is_dated_by_its_rows() -> None:
    assert can_have_fed("gpt-4.1", "my own", date(2026, 1, 1)).can == "no"


def test_all_that_can_have_fed_a_model_are_listed_with_reasons() -> None:
    found = corpora_of("gpt-4o")
    assert {"c4", "refinedweb", "dolma", "dclm"} <= set(found)
    assert all(feeding.reason for feeding in found.values())
    assert "common_crawl" not in found
