import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from geo_flywheel import registry, shipped
from geo_flywheel.errors import ConfigError
from geo_flywheel.registry import corpora, corpus_name, prices


def test_every_corpus_stands_under_its_name_and_has_a_source() -> None:
    assert {"c4", "refinedweb", "dolma"} <= set(corpora())
    for name, corpus in corpora().items():
        assert name == corpus.name == corpus.name.lower()
        assert corpus.source.startswith("https://")


def test_no_two_corpora_share_a_name() -> None:
    called = [name for corpus in corpora().values() for name in (corpus.name, *corpus.aliases)]
    assert len(called) == len(set(called))


@pytest.mark.parametrize(("called", "name"), [("rf", "refinedweb"), (" C4 ", "c4"), ("MyCrawl", "mycrawl"), ("", "")])
def test_a_corpus_has_one_name_whatever_a_table_calls_it(called: str, name: str) -> None:
    assert corpus_name(called) == name


@pytest.mark.parametrize("file", sorted(shipped.folder("data").glob("*.toml")), ids=lambda file: file.name)
def test_every_list_of_facts_bears_its_date_and_every_entry_its_source(file: Path) -> None:
    facts = tomllib.loads(file.read_text("utf-8"))
    assert isinstance(facts.pop("date"), date)
    entries = [entry for group in facts.values() for entry in group]
    assert entries
    assert all(entry.get("source") for entry in entries)


def test_the_lists_are_read_once() -> None:
    assert registry.corpora() is registry.corpora()


def test_every_price_and_every_assumption_has_its_source_and_the_day_it_was_looked_up() -> None:
    table = prices()
    assert table.prices
    assert table.largest
    told = [(price.source, price.date) for price in table.prices]
    told += [(largest.source, largest.date) for largest in table.largest]
    assert all(source and date(2026, 1, 1) <= looked_up <= date(2030, 1, 1) for source, looked_up in told)


def test_every_price_bills_something_and_long_requests_wholly_or_not_at_all() -> None:
    for price in prices().prices:
        tokens = (price.input_per_million, price.output_per_million)
        assert any((*tokens, price.searches_per_thousand, price.requests_per_thousand))
        assert (tokens[0] is None) == (tokens[1] is None)
        assert len({part is None for part in (price.long_from, price.long_input_per_million)}) == 1
        assert len({part is None for part in (price.long_from, price.long_output_per_million)}) == 1


def test_no_model_has_two_prices_that_hold_on_one_day() -> None:
    seen = [
        (price.provider, price.engine, model)
        for price in prices().on(date(2026, 11, 22)).prices
        for model in price.models or ("",)
    ]
    assert len(seen) == len(set(seen))


def test_amounts_are_exact_decimals_however_they_are_written(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(
        '[[price]]\nprovider = "p"\nrequests_per_thousand = 15\ninput_per_million = 0.1\n'
        'date = 2026-11-22\nsource = "my contract"\n'
    )
    price = prices(own).price("p", "e", "m")
    assert price is not None
    assert (price.requests_per_thousand, price.input_per_million) == (Decimal(15), Decimal("0.1"))


@pytest.mark.parametrize("model", ["gpt-6.1-sol", "gpt-6.1-sol-2026-09-30", "gpt-6.1-sol-20260930"])
def test_a_dated_snapshot_costs_what_its_model_costs(model: str) -> None:
    price = prices().price("openai", "openai", model)
    assert price is not None
    assert (price.input_per_million, price.output_per_million) == (Decimal(2), Decimal(10))


@pytest.mark.parametrize("model", ["gpt-6.1-solo", "gpt-6.1-sol-mini", "gpt-6.1", "", "xgpt-6.1-sol"])
def test_a_model_that_is_not_listed_has_no_price(model: str) -> None:
    assert prices().price("openai", "openai", model) is None


@pytest.mark.parametrize(("day", "usd"), [(date(2026, 12, 31), "0.75"), (date(2027, 1, 1), "1.50")])
def test_a_price_holds_from_the_day_it_comes_into_force(day: date, usd: str) -> None:
    price = prices().on(day).price("gemini", "gemini", "gemini-3.8-flash")
    assert price is not None
    assert price.input_per_million == Decimal(usd)


def test_a_persons_own_price_comes_first_and_changes_the_digest(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(
        '[[price]]\nprovider = "openai"\nmodels = ["gpt-6.1-sol"]\ninput_per_million = 1.00\n'
        'date = 2026-11-22\nsource = "my contract"\n'
    )
    price = prices(own).price("openai", "openai", "gpt-6.1-sol")
    assert price is not None
    assert price.source == "my contract"
    assert prices(own).price("openai", "openai", "gpt-6-luna") == prices().price("openai", "openai", "gpt-6-luna")
    assert prices(own).digest != prices().digest == prices().digest


@pytest.mark.parametrize(
    "table",
    [
        "[[price]]",
        "price = 1",
        '[[price]]\nprovider = "p"\ncolour = 1\ndate = 2026-11-22\nsource = "s"',
        '[[price]]\nprovider = "p"\nrequests_per_thousand = -1\ndate = 2026-11-22\nsource = "s"',
        '[[price]]\nprovider = "p"\nrequests_per_thousand = "much"\ndate = 2026-11-22\nsource = "s"',
        '[[price]]\nprovider = "p"\nrequests_per_thousand = nan\ndate = 2026-11-22\nsource = "s"',
        "not toml",
        "\xff",
    ],
)
def test_an_own_table_that_is_none_is_named(tmp_path: Path, table: str) -> None:
    own = tmp_path / "prices.toml"
    own.write_bytes(table.encode("latin-1"))
    with pytest.raises(ConfigError, match="prices.toml: is no price table"):
        prices(own)


def test_an_own_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        prices(tmp_path / "prices.toml")
