"""The history of a site in corpora: unknown is never absent, and a share has the pages asked about below it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from geo_flywheel import reports
from geo_flywheel.store.database import open_hardened, open_store
from tests.queries.markets import Market, Rows, _insert, fill

DAY = date(2026, 1, 10)
SITE, OWN = ("own.example", "site"), ("own.example", "own.example")


@dataclass(frozen=True)
class Held:
    state: str
    snapshot: int = 0
    unit: str = "own.example"
    kind: str = "site"
    captures: int | None = None
    documents: int | None = None
    method: str = "index query"
    asked: tuple[int, int, int] | None = None  # asked, present, absent


def history(path: Path, held: Sequence[Held], **values: object) -> Rows:
    fill(path, Market())
    with open_store(path) as store:
        _insert(
            store,
            "presence",
            "key reading_no corpus unit unit_kind site site_key state method captures documents observed_on",
            [
                (
                    n,
                    0,
                    "common_crawl",
                    h.unit,
                    h.kind,
                    "own.example",
                    h.unit,
                    h.state,
                    h.method,
                    h.captures,
                    h.documents,
                    day(h),
                )
                for n, h in enumerate(held)
            ],
        )
        _insert(
            store,
            "engagement",
            "key reading_no source unit unit_kind day metric value kind attribution rule site site_key",
            [
                (n, 0, "common_crawl_index", *SITE, day(h), metric, value, "flow", h.method, f"CC-{h.snapshot}", *OWN)
                for n, (h, metric, value) in enumerate(_counts(held))
            ],
        )
    with open_hardened(path) as store:
        found: Rows = reports.run(store, reports.get("corpus_history"), {"site": "own.example"} | values).to_pylist()
    return found


def _counts(held: Sequence[Held]) -> Iterator[tuple[Held, str, float]]:
    for h in held:
        if h.asked:
            names = ("asked_pages", "asked_pages_present", "asked_pages_absent")
            yield from ((h, name, float(value)) for name, value in zip(names, h.asked, strict=True))


def wilson(hits: int, tries: int) -> tuple[float, float]:
    """As statsmodels has it."""
    proportion = pytest.importorskip("statsmodels.stats.proportion", reason="statsmodels is the oracle here")
    low, high = proportion.proportion_confint(hits, tries, method="wilson")
    return low, high


def day(held: Held) -> date:
    return DAY + timedelta(weeks=4 * held.snapshot)


@pytest.mark.parametrize(("present", "absent"), [(3, 7), (0, 5), (5, 0), (1, 1), (400, 100)])
def test_the_interval_is_wilson_s(present: int, absent: int, tmp_path: Path) -> None:
    asked = (present + absent + 2, present, absent)
    (row,) = history(tmp_path / "s.duckdb", [Held("present", captures=9, documents=3, asked=asked)])
    low, high = wilson(present, present + absent)
    assert (row["pages_asked"], row["pages_known"]) == (present + absent + 2, present + absent)
    assert row["rate"] == present / (present + absent)
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-12)
    assert row["note"] == "2 of the pages asked about are unknown, not absent"
    assert row["crawl"] == "CC-0"


def test_snapshots_that_are_unknown_are_on_neither_side(tmp_path: Path) -> None:
    states = ["present", "unknown", "absent", "present", "present"]
    rows = history(tmp_path / "s.duckdb", [Held(state, n, captures=1) for n, state in enumerate(states)])
    assert [row["state"] for row in rows] == states
    assert [(row["crawls_present"], row["crawls_known"]) for row in rows] == [(1, 1), (1, 1), (1, 2), (2, 3), (3, 4)]
    low, high = wilson(3, 4)
    assert (rows[-1]["chance"], rows[-1]["chance_low"], rows[-1]["chance_high"]) == pytest.approx((0.75, low, high))


def test_a_failed_query_has_no_rate_and_says_so(tmp_path: Path) -> None:
    (row,) = history(tmp_path / "s.duckdb", [Held("unknown", asked=(4, 0, 0))])
    assert (row["state"], row["rate"], row["low"], row["high"], row["chance"]) == ("unknown", None, None, None, None)
    assert row["note"] == "the query failed or brought only a part: unknown, not absent"


def test_the_site_s_own_row_counts_before_its_hosts(tmp_path: Path) -> None:
    hosts = [Held("present", unit=f"{n}.own.example", kind="host", captures=n, documents=1) for n in (2, 3)]
    (row,) = history(tmp_path / "h.duckdb", hosts)
    assert (row["state"], row["captures"], row["documents"]) == ("present", 5, 2)
    (row,) = history(tmp_path / "s.duckdb", [*hosts, Held("present", captures=9, documents=4)])
    assert (row["captures"], row["documents"]) == (9, 4)


def test_a_sum_with_an_unknown_part_is_unknown(tmp_path: Path) -> None:
    hosts = [
        Held("present", unit="1.own.example", kind="host", captures=2),
        Held("present", unit="2.own.example", kind="host"),
    ]
    (row,) = history(tmp_path / "s.duckdb", hosts)
    assert (row["captures"], row["note"]) == (None, "how much of it is not known")


def test_a_host_that_is_absent_does_not_make_the_site_absent(tmp_path: Path) -> None:
    (row,) = history(tmp_path / "s.duckdb", [Held("absent", unit="x.own.example", kind="host", captures=0)])
    assert row["state"] == "unknown"


def test_a_later_first_day_leaves_the_count_of_crawls_as_it_is(tmp_path: Path) -> None:
    held = [Held("present", n, captures=1) for n in range(3)]
    (row,) = history(tmp_path / "s.duckdb", held, since=day(held[2]))
    assert (row["snapshot"], row["crawls_known"]) == (day(held[2]), 3)
    assert len(history(tmp_path / "u.duckdb", held, until=day(held[1]))) == 2


@pytest.mark.parametrize(
    "found",
    [
        Held("present", unit="https://own.example/x", kind="page", captures=3),
        Held("present", unit="x.own.example", kind="host", captures=3),
        Held("present"),
    ],
)
def test_where_a_site_can_be_found_and_never_missed_there_is_no_chance(found: Held, tmp_path: Path) -> None:
    (row,) = history(tmp_path / "s.duckdb", [found])
    assert row["state"] == "present"
    assert (row["crawls_present"], row["crawls_known"], row["chance"], row["chance_low"]) == (0, 0, None, None)


def test_single_pages_say_nothing_of_the_site(tmp_path: Path) -> None:
    (row,) = history(tmp_path / "s.duckdb", [Held("absent", unit="https://own.example/x", kind="page", captures=0)])
    assert (row["state"], row["note"]) == ("unknown", "rows of single pages only: nothing is said of the whole site")


def test_methods_are_kept_apart(tmp_path: Path) -> None:
    held = [Held("present", captures=1), Held("absent", method="columnar index", captures=0)]
    rows = history(tmp_path / "s.duckdb", held)
    assert [(row["method"], row["state"]) for row in rows] == [("columnar index", "absent"), ("index query", "present")]
