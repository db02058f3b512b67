"""A million dated citations from Parquet into a store on disk, beside the floor in the same run.

    pytest -m bench -s benchmarks/bench_import.py

One row in eleven equals another, and is a fact of its own. The import goes the way of `geo-flywheel import`: archived
first, then keyed, canonicalised and committed. The floor is a bare `COPY` of the same Parquet into a table on disk and
canonicalising the distinct URLs, nothing else. Each is measured in a process of its own, so that nothing is
remembered from the one before.

Imported again is the same file, which is recognised, and another file with the same rows in another order, of which
every row is a duplicate that only its key can tell.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.alone import alone
from benchmarks.bench_urls import addresses
from benchmarks.side_by_side import Limit, Round, fail_on_missed, judge, seconds
from crawlers.intake import Places, take_in
from geo_flywheel.urls import canonical

ROWS = 1_000_000
ROUNDS = 3
LIMIT, NO_SLOWER = Limit(3), Limit(1)

_CITATIONS = """
SELECT TIMESTAMP '2025-01-06' + to_days((n // 3000)::INTEGER) + to_seconds((hash(n, 's') % 86400)::INTEGER)
        AS observed_at,
    'engine-' || hash(n, 'e') % 6 AS engine, 'model-' || hash(n, 'e') % 6 AS model,
    'which tool is best for task ' || hash(n, 'p') % 800 AS prompt, 'topic-' || hash(n, 'p') % 20 AS topic,
    'en-US' AS locale, url, 'Article ' || url_no || ' of the day' AS title,
    (1 + hash(n, 'r') % 10)::INTEGER AS position
FROM (SELECT n - (n % 11 = 10)::INTEGER AS n FROM range($rows) AS t(n)) AS row_no
JOIN (SELECT url, row_number() OVER () - 1 AS url_no FROM address) AS a ON url_no = n % $distinct
"""


@contextmanager
def quiet(file: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database, in memory when no file is named, that draws no progress bars."""
    with duckdb.connect(str(file or ":memory:")) as connection:
        connection.execute("SET enable_progress_bar = false")
        yield connection


def write(folder: Path, rows: int, distinct: int) -> tuple[Path, Path]:
    """Write the citations as two files of the same rows, in two orders and row groups of two sizes."""
    with quiet() as connection:
        connection.register("address", pa.table({"url": addresses(distinct)}))
        values = {"rows": rows, "distinct": distinct}
        citations = connection.execute(f"{_CITATIONS} ORDER BY n", values).to_arrow_table()
        shuffled = connection.execute(f"{_CITATIONS} ORDER BY hash(n, 'order')", values).to_arrow_table()
    files = folder / "citations.parquet", folder / "shuffled.parquet"
    pq.write_table(citations, files[0], row_group_size=100_000)
    pq.write_table(shuffled, files[1], row_group_size=64_000)
    return files


def copy(file: Path, store: Path) -> float:
    """Seconds of the bare COPY into an empty file."""

    def work() -> None:
        with quiet(store) as connection:
            connection.execute(f"CREATE TABLE citation AS FROM '{file}' LIMIT 0")
            connection.execute(f"COPY citation FROM '{file}' (FORMAT parquet)")

    return seconds(work)


def canonicalise(distinct: list[str]) -> float:
    """Seconds of canonicalising every address once."""
    return seconds(lambda: [canonical(url) for url in distinct])


def floor(file: Path, store: Path) -> float:
    """Seconds of both."""
    distinct = pq.read_table(file, columns=["url"]).column("url").unique().to_pylist()
    return copy(file, store) + canonicalise(distinct)


def take(file: Path, workspace: Path, expected: tuple[str, int]) -> float:
    """Seconds of importing a file that is to be read with so many new rows, or held."""
    found: list[tuple[str, int]] = []

    def work() -> None:
        places = Places(workspace / "store.duckdb", workspace / "archive")
        found.extend((outcome.state, outcome.added.get("observation", 0)) for outcome in take_in(places, [file], {}))

    taken = seconds(work)
    assert found == [expected], found
    return taken


def round_of(files: tuple[Path, Path], folder: Path, rows: int) -> dict[str, tuple[float, float]]:
    """Seconds and peak memory in MB of each step, from an empty folder on."""
    first, shuffled = files
    return {
        "floor": alone(floor, first, folder / "floor.duckdb"),
        "import": alone(take, first, folder, ("read", rows)),
        "same": alone(take, first, folder, ("held", 0)),
        "shuffled": alone(take, shuffled, folder, ("read", 0)),
    }


@pytest.mark.bench
@pytest.mark.parametrize("distinct", [30_000, 300_000])
def test_import_of_a_million_citations(distinct: int, tmp_path: Path) -> None:
    files, _ = alone(write, tmp_path, ROWS, distinct)
    names = {
        "import": f"import of {ROWS:,} rows, {distinct:,} distinct URLs",
        "same": "  the same file again, beside the first import",
        "shuffled": "  another file with the same rows, beside the first import",
    }
    print()

    def a_round() -> Round:
        with TemporaryDirectory(dir=tmp_path) as folder:
            found = round_of(files, Path(folder), ROWS)
        print("  " + ", ".join(f"{step} {taken:.2f} s {peak:,.0f} MB" for step, (taken, peak) in found.items()))
        took = {step: taken for step, (taken, _) in found.items()}
        return {
            names["import"]: took["import"] / took["floor"],
            names["same"]: took["same"] / took["import"],
            names["shuffled"]: took["shuffled"] / took["import"],
        }

    limits = {names["import"]: LIMIT, names["same"]: NO_SLOWER, names["shuffled"]: NO_SLOWER}
    fail_on_missed(judge(limits, a_round, ROUNDS))
