from datetime import datetime
from pathlib import Path

import pytest

from geo_flywheel.errors import ReportError
from geo_flywheel.store import statements
from geo_flywheel.store.database import open_hardened
from tests.queries.markets import EVERYTHING, fill


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("statements") / "store.duckdb", EVERYTHING)


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with open_hardened(path) as store:
        return list(statements.run(store, statements.selection(store, sql)).rows)


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{0}'",
        "COPY page TO '{0}'",
        "EXPORT DATABASE '{0}'",
        "ATTACH '{0}'",
        "ATTACH ':memory:' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA version",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "SET threads = 1",
        "SET VARIABLE a = 1",
        "RESET threads",
        "CREATE TABLE x (a INTEGER)",
        "CREATE TEMP TABLE x AS SELECT 1",
        "CREATE MACRO f() AS 1",
        "INSERT INTO page SELECT * FROM page",
        "DELETE FROM page",
        "UPDATE page SET url = ''",
        "DROP TABLE page",
        "CHECKPOINT",
        "VACUUM",
        "BEGIN",
        "EXPLAIN ANALYZE SELECT 1",
        "EXECUTE x",
        "SELECT 1; SELECT 2",
        "SELECT 1; COPY page TO '{0}'",
        "",
        ";",
        "-- nothing",
        "SELECT 1 INTO x",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_blob('/etc/passwd')",
        "SELECT * FROM read_json('/etc/passwd')",
        "SELECT * FROM read_parquet('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM 'https://example.com/x.parquet'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM parquet_metadata('/etc/passwd')",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM query_table('page')",
        "SELECT * FROM json_execute_serialized_sql('{{}}')",
        "SELECT * FROM enable_logging('QueryLog', storage = 'file', storage_config = {{'path': '{0}'}})",
        "SELECT * FROM ENABLE_LOGGING()",
        "SELECT * FROM main.enable_logging()",
        "SELECT * FROM enable_profiling(save_location = '{0}')",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM arrow_scan(1, 2, 3)",
        "SELECT * FROM pandas_scan(1)",
        "SELECT * FROM checkpoint()",
        "WITH e AS (SELECT * FROM enable_logging()) SELECT * FROM e",
        "SELECT (SELECT count(*) FROM enable_logging())",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM enable_logging())",
        "SELECT 1 UNION ALL SELECT * FROM enable_logging()",
        "SELECT * FROM page, LATERAL (SELECT * FROM enable_logging())",
        "SELECT write_log('x')",
        "SELECT list_transform([1], lambda x: write_log('x'))",
        "SELECT sleep_ms(100000)",
        "SELECT getenv('HOME')",
        "WITH gone AS (DELETE FROM page RETURNING *) SELECT * FROM gone",
        "(" * 10_000,
        "SELECT " + "(" * 10_000 + "1" + ")" * 10_000,
    ],
)
def test_it_reaches_nothing_but_the_tables(sql: str, path: Path, tmp_path: Path) -> None:
    target = tmp_path / "written"
    with pytest.raises(ReportError) as caught:
        rows(path, sql.format(target))
    assert "\n" not in str(caught.value)
    assert not target.exists()


def test_variables_of_the_program_are_no_tables(path: Path) -> None:
    secret = [1]
    with pytest.raises(ReportError, match="secret"):
        rows(path, "SELECT * FROM secret")
    assert secret == [1]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM citations",
        "FROM page LIMIT 1",
        "VALUES (1)",
        "WITH x AS (SELECT 1 AS a) SELECT a FROM x;",
        "/* a comment */ SELECT 1 -- behind; it",
        "SELECT ';' AS semicolon",
        "SHOW TABLES",
        "DESCRIBE answers",
        "SUMMARIZE page",
        "SELECT unnest([1, 2]), sum(n) FROM range(3) AS t(n)",
        "SELECT * FROM histogram_values(page, page_no)",
        "SELECT view_name FROM duckdb_views()",
        "SELECT site, count(*) OVER (PARTITION BY site) FROM page QUALIFY row_number() OVER (ORDER BY url) = 1",
    ],
)
def test_what_reads_the_tables_runs(sql: str, path: Path) -> None:
    assert rows(path, sql)


def test_values_come_exactly_and_in_types_that_can_be_written(path: Path) -> None:
    (row,) = rows(
        path,
        "SELECT 340282366920938463463374607431768211455::UHUGEINT, -170141183460469231731687303715884105727::HUGEINT,"
        " [1, NULL], {'a': DATE '2026-01-01'}, MAP {'k': 1}, TIMESTAMPTZ '2026-01-01 10:00:00+00', NULL",
    )
    assert row[:3] == (340282366920938463463374607431768211455, -170141183460469231731687303715884105727, [1, None])
    assert str(row[5]).startswith("2026-01-01 ")
    assert row[6] is None


def test_moments_with_a_zone_keep_their_columns_and_order(path: Path) -> None:
    with open_hardened(path) as store:
        select = statements.selection(
            store, "SELECT 2 AS a, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS a, TIMESTAMP '2026-01-01' AS b ORDER BY a;"
        )
        result = statements.run(store, select)
        (row,) = result.rows
    assert result.columns[0] == "a"
    assert len(result.columns) == 3
    assert (row[0], row[2]) == (2, datetime.fromisoformat("2026-01-01"))


def test_a_statement_that_takes_too_long_is_stopped_and_says_so(path: Path) -> None:
    with open_hardened(path, seconds=0.2) as store:
        select = statements.selection(store, "SELECT count(*) FROM range(100000000000) AS t(a) WHERE hash(a) = 1")
        with pytest.raises(ReportError, match="took too long and was stopped"):
            statements.run(store, select)


def test_a_statement_that_takes_too_much_memory_says_so(path: Path) -> None:
    with open_hardened(path, memory="50MB") as store:
        select = statements.selection(store, "SELECT list(a) FROM range(100000000) AS t(a)")
        with pytest.raises(ReportError, match="memory"):
            statements.run(store, select)
