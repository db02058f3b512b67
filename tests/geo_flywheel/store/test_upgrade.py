from pathlib import Path

import duckdb
import pytest

from geo_flywheel.errors import MigrationError
from geo_flywheel.store import upgrade
from geo_flywheel.store.database import open_store
from geo_flywheel.store.upgrade import _Script, _scripts
from tests.geo_flywheel.store.contents import one

MIGRATIONS, VIEWS = _scripts("migrations"), _scripts("views")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.duckdb"


class Shipped:
    """The scripts a program has; another release has others."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.migrations, self.views = list(MIGRATIONS), list(VIEWS)
        patch.setattr(upgrade, "_scripts", lambda folder: tuple(getattr(self, folder)))


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> Shipped:
    return Shipped(monkeypatch)


def script(name: str, sql: str) -> _Script:
    return _Script(name, sql, f"digest of {sql}")


def make(path: Path) -> None:
    with open_store(path):
        pass


def names(path: Path, sql: str) -> set[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return {name for (name,) in connection.execute(sql).fetchall()}


def test_every_migration_is_applied_once_with_its_digest(path: Path) -> None:
    make(path)
    make(path)
    with open_store(path, read_only=True) as store:
        applied = store.rows("SELECT version, name, sha256 FROM schema_migration ORDER BY version")
    assert applied == [(number, s.name, s.sha256) for number, s in enumerate(MIGRATIONS, 1)]
    assert len({s.sha256 for s in MIGRATIONS}) == len(MIGRATIONS)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_migration_changed_after_it_was_applied_is_an_error(path: Path, shipped: Shipped, *, read_only: bool) -> None:
    make(path)
    shipped.migrations[0] = script(MIGRATIONS[0].name, "changed")
    with (
        pytest.raises(MigrationError, match=f"{path}: migration 0001_foundation.sql was changed"),
        open_store(path, read_only=read_only),
    ):
        pytest.fail("it opened")


@pytest.mark.parametrize("read_only", [False, True])
def test_a_store_of_a_newer_program_is_an_error(path: Path, shipped: Shipped, *, read_only: bool) -> None:
    shipped.migrations.append(script("0999_later.sql", "CREATE TABLE later (a INTEGER)"))
    make(path)
    shipped.migrations.pop()
    with (
        pytest.raises(MigrationError, match="0999_later.sql, which this program does not know; update"),
        open_store(path, read_only=read_only),
    ):
        pytest.fail("it opened")


def test_a_migration_that_fails_changes_nothing(path: Path, shipped: Shipped) -> None:
    make(path)
    shipped.migrations.append(script("0999_bad.sql", "CREATE TABLE half (a INTEGER); DROP TABLE run; SELECT nonsense"))
    with pytest.raises(MigrationError, match="migration 0999_bad.sql failed .*; nothing was changed"), open_store(path):
        pytest.fail("it opened")
    shipped.migrations.pop()
    assert one(path, "SELECT count(*) FROM run") == 0
    assert names(path, "SELECT table_name FROM duckdb_tables() WHERE table_name = 'half'") == set()


def test_a_first_migration_that_fails_leaves_an_empty_file(path: Path, shipped: Shipped) -> None:
    shipped.migrations = [script("0001_bad.sql", "CREATE TABLE half (a INTEGER); SELECT nonsense")]
    with pytest.raises(MigrationError), open_store(path):
        pytest.fail("it opened")
    assert names(path, "SELECT table_name FROM duckdb_tables()") == set()


def test_after_an_error_the_file_is_free_again(path: Path, shipped: Shipped) -> None:
    make(path)
    shipped.migrations.append(script("0999_bad.sql", "SELECT nonsense"))
    with pytest.raises(MigrationError) as caught, open_store(path):
        pytest.fail("it opened")
    shipped.migrations.pop()
    with open_store(path, read_only=True) as store:
        assert store.rows("SELECT count(*) FROM run") == [(0,)]
    assert caught.value is not None


def test_the_topic_of_a_prompt_goes_to_its_answers(path: Path, shipped: Shipped) -> None:
    shipped.migrations, shipped.views = list(MIGRATIONS[:1]), []
    with open_store(path) as store:
        run = store.connection.execute
        run("INSERT INTO prompt VALUES (1, 'p', 'which', 'tools', '', '', '')")
        for number, prompt in ((1, 1), (2, None)):
            run(
                "INSERT INTO answer SELECT ?, ?, 1, 'p', 'e', 'api', NULL, NULL, ?, NULL, NULL, NULL, NULL, 'grounded',"
                " NULL, '', NULL, 0, NULL",
                [number, number, prompt],
            )
    shipped.migrations, shipped.views = list(MIGRATIONS), list(VIEWS)
    with open_store(path, read_only=True) as store:
        assert store.rows("SELECT answer_no, topic FROM answer ORDER BY ALL") == [(1, "tools"), (2, None)]


def test_views_are_replaced_by_those_of_this_program(path: Path, shipped: Shipped) -> None:
    shipped.views = [
        script("0001_former.sql", "CREATE VIEW former AS SELECT 1 AS a; CREATE VIEW answers AS SELECT 1 AS a")
    ]
    make(path)
    shipped.views = list(VIEWS)
    make(path)
    there = names(path, "SELECT view_name FROM duckdb_views() WHERE NOT internal")
    assert "former" not in there
    assert one(path, "SELECT count(*) FROM answers") == 0


def test_a_reader_of_a_store_with_outdated_views_gets_current_ones(path: Path, shipped: Shipped) -> None:
    shipped.views = [script("0001_former.sql", "CREATE VIEW answers AS SELECT 1 AS a")]
    make(path)
    shipped.views = list(VIEWS)
    assert one(path, "SELECT count(*) FROM answers") == 0


def test_a_view_that_fails_leaves_the_former_ones(path: Path, shipped: Shipped) -> None:
    make(path)
    shipped.views = [script("0001_bad.sql", "CREATE VIEW bad AS SELECT * FROM nonsense")]
    with pytest.raises(MigrationError, match="replacing the views failed"), open_store(path):
        pytest.fail("it opened")
    assert "answers" in names(path, "SELECT view_name FROM duckdb_views() WHERE NOT internal")


def test_a_file_that_is_up_to_date_is_not_written_to(path: Path) -> None:
    make(path)
    before = path.read_bytes()
    make(path)
    assert path.read_bytes() == before


def test_what_visits_have_in_common_stands_once_and_says_the_same(path: Path, shipped: Shipped) -> None:
    shipped.migrations, shipped.views = list(MIGRATIONS[:5]), []
    requests = [
        (1, "a.example", 1, 1, "/x", "GET", 200, 5, "GPTBot", "OpenAI", "training", "verified", None, None, None),
        (2, "a.example", 1, 1, "/x", "GET", 404, None, "GPTBot", "OpenAI", "training", "verified", None, None, None),
        (3, "a.example/b", 2, 2, "/x", "HEAD", 200, 0, "GPTBot", "OpenAI", "training", None, None, None, None),
        (4, "a.example", 1, 3, "/x", "GET", 200, 5, None, "OpenAI", None, None, "ChatGPT", "utm", "chatgpt.com"),
        (4, "a.example", 1, 3, "/x", "GET", 200, 5, None, "OpenAI", None, None, "ChatGPT", "utm", "chatgpt.com"),
    ]
    with open_store(path) as store:
        sql = "INSERT INTO visit VALUES (?, 1, TIMESTAMP '2026-03-01', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        for request in requests:
            store.connection.execute(sql, request)
    shipped.migrations, shipped.views = list(MIGRATIONS), list(VIEWS)
    with open_store(path, read_only=True) as store:
        found = store.rows(
            "SELECT key, host, page_no, link_no, path, method, status, bytes, agent, operator, purpose, verification,"
            " assistant, attribution, utm_source FROM visit JOIN log_page USING (log_page_no)"
            " JOIN visit_kind USING (kind_no) ORDER BY key"
        )
        assert found == requests
        assert store.rows("SELECT count(*), (SELECT count(*) FROM log_page) FROM visit_kind") == [(3, 3)]
