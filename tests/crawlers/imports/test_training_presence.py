from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawlers.imports.training_presence import IMPORT
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Table
from geo_flywheel.store.schema import PRESENCE
from tests import real_data
from tests.crawlers.imports.handing import CAPTURES, hand, rows, write


def test_a_wide_table_gives_a_row_per_host_and_corpus() -> None:
    file = hand(CAPTURES / "hosts_wide.csv")
    assert IMPORT.refuse(file) is None
    found = {(row["corpus"], row["unit"]): (row["state"], row["tokens"]) for row in rows(IMPORT, file)}
    assert found == {
        ("c4", "a.test"): ("present", 12),
        ("refinedweb", "a.test"): ("absent", 0),
        ("dolma", "a.test"): ("present", 7),
        ("c4", "b.test"): ("unknown", None),
        ("refinedweb", "b.test"): ("present", 3),
        ("dolma", "b.test"): ("absent", 0),
    }


def test_every_batch_has_the_schema_of_the_store() -> None:
    (table,) = IMPORT.read(hand(CAPTURES / "hosts_wide.csv"))
    assert isinstance(table, Table)
    assert all(batch.schema.equals(PRESENCE) for batch in table.batches)


def test_the_long_table_says_its_own_state_method_and_day() -> None:
    first, second, third = rows(IMPORT, hand(CAPTURES / "presence_long.csv"))
    assert (first["state"], first["captures"], first["method"]) == ("present", 5, "index query")
    assert first["observed_on"] == date(2026, 1, 31)
    assert (second["state"], second["captures"]) == ("unknown", None)
    assert (third["state"], third["documents"], third["method"], third["observed_on"]) == (
        "absent",
        0,
        "published host table",
        None,
    )


def test_the_table_of_the_largest_domains_is_c4(tmp_path: Path) -> None:
    path = write(tmp_path / "top.csv", "Unsorted Index,Domain,Total Tokens,URL Appearances\n1,a.test,9,2\n")
    (row,) = rows(IMPORT, hand(path))
    assert (row["corpus"], row["unit"], row["tokens"], row["documents"]) == ("c4", "a.test", 9, 2)


@pytest.mark.parametrize(
    ("column", "unit", "kind", "kept"),
    [
        ("host", "WWW.A.test", "host", "www.a.test"),
        ("site", "a.test", "site", "a.test"),
        ("url", "https://a.test/X", "page", "https://a.test/X"),
        ("unit", "a.test", "host", "a.test"),
    ],
)
def test_the_kind_of_a_unit_is_told_by_its_column_and_a_slash(
    tmp_path: Path, column: str, unit: str, kind: str, kept: str
) -> None:
    (row,) = rows(IMPORT, hand(write(tmp_path / "t.csv", f"corpus,{column},tokens\nx,{unit},1\n")))
    assert (row["unit_kind"], row["unit"]) == (kind, kept)


def test_corpus_and_day_may_be_said_by_the_person(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "host,tokens\na.test,1\n")
    assert "--set corpus=NAME" in str(IMPORT.refuse(hand(path)))
    (row,) = rows(IMPORT, hand(path, set_corpus="FineWeb", set_observed_on="2024-06-01"))
    assert (row["corpus"], row["observed_on"]) == ("fineweb", date(2024, 6, 1))


def test_parquet_is_read_too(tmp_path: Path) -> None:
    table = pa.table({"corpus": ["c"], "host": ["a.test"], "captures": [4], "observed_on": [date(2026, 1, 1)]})
    pq.write_table(table, tmp_path / "t.parquet")
    (row,) = rows(IMPORT, hand(tmp_path / "t.parquet"))
    assert (row["captures"], row["state"], row["observed_on"]) == (4, "present", date(2026, 1, 1))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("agent,observed,all,some,none\nbot,1,2,3,4\n", "says nothing of hosts"),
        ("bucket_midpoint,count\n1,2\n", "says nothing of hosts"),
        ("date,url\n2026-01-01,https://a.test\n", "no state, captures, documents or tokens"),
        ("", "empty"),
        ("<html>", "HTML"),
    ],
)
def test_what_says_nothing_of_a_unit_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    assert reason in str(IMPORT.refuse(hand(write(tmp_path / "t.csv", text))))


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ("c,,present,1", "no host, site or page"),
        ("c,a.test,gone,1", "state is gone, not one of present"),
        ("c,a.test,absent,1", "yet something of it is counted"),
        ("c,a.test,,-1", "tokens is -1"),
        (",a.test,,1", "corpus is empty"),
    ],
)
def test_a_bad_row_names_its_line(tmp_path: Path, cells: str, problem: str) -> None:
    path = write(tmp_path / "t.csv", f"corpus,host,state,tokens\nc,a.test,,1\n{cells}\n")
    with pytest.raises(Unreadable, match=r"t\.csv: line 3") as caught:
        rows(IMPORT, hand(path))
    assert problem in str(caught.value)


def test_the_published_table_gives_three_corpora_of_every_host() -> None:
    found = rows(IMPORT, hand(real_data.folder("training_presence") / "relevant_url_token_counts.csv"))
    assert len(found) == 13_989 * 3
    assert {row["corpus"] for row in found} == {"c4", "refinedweb", "dolma"}
    assert {row["unit_kind"] for row in found} == {"host"}
    assert {row["state"] for row in found} == {"present", "absent"}


@pytest.mark.parametrize("name", ["all_agents_counter.csv", "c4_buckets.csv", "rf_buckets.csv", "join_coverage.json"])
def test_published_tables_of_something_else_are_refused(name: str) -> None:
    assert IMPORT.refuse(hand(real_data.folder("training_presence") / name))
