"""Every report on 10,000,000 citations, beside a bare count over the same join in the same run.

    pytest -m bench -s benchmarks/bench_reports.py

The reports of one site are asked for the largest site there is. Each report runs right after its floor, both on a store
just opened, as a command finds it; one process of its own runs them all, so that its peak memory is that of the worst.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import market_store
from benchmarks.alone import alone
from benchmarks.side_by_side import Limit, Round, fail_on_missed, judge, seconds
from geo_flywheel import reports
from geo_flywheel.store.database import Store, open_hardened, open_store

LARGEST = "site-1.example"
PEAK = "peak memory"
READS_BOTH = "retrieved_not_cited"
ROUNDS = 3
OF_FLOOR, WHOLE_MARKET, ONE_SITE, MEMORY = Limit(3), Limit(8, "s"), Limit(1, "s"), Limit(4000, "MB")


def build(path: Path, answers: int) -> None:
    """Make the store."""
    with open_store(path) as store:
        market_store.fill(store, answers)


def asked() -> Iterator[tuple[str, dict[str, str]]]:
    """Every report in each of its ways: of the whole market, of one site."""
    for report in reports.find():
        names = {parameter.name for parameter in report.parameters}
        if "site" not in names:
            yield report.name, {}
        for name in names & {"site", "only_site"}:
            yield report.name, {name: LARGEST}


def floor(store: Store, report: str) -> None:
    """Count the rows and the pages of what the report reads."""
    for view in ("citations", "retrievals") if report == READS_BOTH else ("citations",):
        store.rows(f"SELECT count(*), count(DISTINCT url) FROM {view}")


def run(path: Path, name: str, values: dict[str, str]) -> tuple[float, float]:
    """Seconds of the floor and of the report."""
    with open_hardened(path) as store:
        bare = seconds(lambda: floor(store, name))
    with open_hardened(path) as store:
        return bare, seconds(lambda: reports.run(store, reports.get(name), values))


def limits() -> dict[str, Limit]:
    """What holds for each report, by the names that `run_all` gives."""
    known: dict[str, Limit] = {}
    for name, values in asked():
        known |= {f"{name} of {LARGEST}": ONE_SITE} if values else {name: WHOLE_MARKET, f"{name} / floor": OF_FLOOR}
    return known


def run_all(path: Path) -> dict[str, float]:
    """Every report once: its seconds, and how many times its floor they are."""
    found: dict[str, float] = {}
    for name, values in asked():
        bare, taken = run(path, name, values)
        found |= {f"{name} of {LARGEST}": taken} if values else {name: taken, f"{name} / floor": taken / bare}
    return found


def measured(path: Path) -> Round:
    """Every report once, with the peak memory."""
    found, peak = alone(run_all, path)
    return found | {PEAK: peak}


@pytest.mark.bench
def test_reports_on_ten_million_citations(tmp_path: Path) -> None:
    path = tmp_path / "market.duckdb"
    alone(build, path, market_store.ANSWERS)
    print()
    verdicts = judge(limits() | {PEAK: MEMORY}, lambda: measured(path), ROUNDS)
    for limit, kind in (
        (ONE_SITE, "of one site"),
        (WHOLE_MARKET, "of the whole market"),
        (OF_FLOOR, "beside its floor"),
    ):
        slowest = max((verdict for verdict in verdicts if verdict.limit is limit), key=lambda verdict: verdict.typical)
        print(f"the slowest {kind}: {slowest.name}, {slowest.typical:.2f} {limit.unit}")
    fail_on_missed(verdicts)
