import tomllib
from datetime import date
from pathlib import Path

import pytest

from geo_flywheel import registry, shipped
from geo_flywheel.registry import corpora, corpus_name


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
