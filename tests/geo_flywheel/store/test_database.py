import threading
import time
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from geo_flywheel.errors import StoreError
from geo_flywheel.store.database import Turns, open_hardened, open_store
from tests.geo_flywheel.store.contents import one
from tests.geo_flywheel.store.elsewhere import another_process, holding, let_go, opened_elsewhere


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with open_store(tmp_path / "store.duckdb"):
        pass
    return tmp_path / "store.duckdb"


def add(path: Path, name: str) -> None:
    with open_store(path) as store, store.transaction():
        store.connection.execute("INSERT INTO run VALUES (?, 'import', now()::TIMESTAMP, now()::TIMESTAMP)", [name])


def runs(path: Path) -> list[str]:
    with open_store(path, read_only=True) as store:
        return [name for (name,) in store.rows("SELECT run_id FROM run ORDER BY ALL")]


def refusal(path: Path, *, read_only: bool = False, patience: float = 0.1) -> str:
    with pytest.raises(StoreError) as caught, open_store(path, read_only=read_only, patience=patience):
        pytest.fail("it opened")
    return str(caught.value)


# In one process


def test_a_reader_beside_a_writer_of_this_process_shares_its_handle(path: Path) -> None:
    with open_store(path) as writer, open_store(path, read_only=True) as reader:
        with writer.transaction():
            writer.connection.execute("INSERT INTO run VALUES ('r', 'import', now()::TIMESTAMP, now()::TIMESTAMP)")
            assert reader.rows("SELECT count(*) FROM run") == [(0,)]
        assert reader.rows("SELECT count(*) FROM run") == [(1,)]


def test_the_handle_stays_open_for_as_long_as_someone_uses_it(path: Path) -> None:
    with open_store(path) as outer:
        add(path, "inner")
        assert outer.rows("SELECT run_id FROM run") == [("inner",)]
    assert opened_elsewhere(path) == "opened"


def test_a_writer_beside_a_reader_of_this_process_is_told_to_wait(path: Path) -> None:
    with open_store(path, read_only=True), pytest.raises(StoreError, match="this process reads the store already"):
        add(path, "r")
    add(path, "r")


def test_the_same_file_by_another_name_is_the_same_store(path: Path) -> None:
    (path.parent / "folder").mkdir()
    with open_store(path), open_store(path.parent / "folder" / ".." / path.name) as store:
        assert store.path == path


def test_a_transaction_that_breaks_off_leaves_nothing(path: Path) -> None:
    with open_store(path) as store:
        with suppress(KeyboardInterrupt), store.transaction():
            store.connection.execute("INSERT INTO run VALUES ('r', 'import', now()::TIMESTAMP, now()::TIMESTAMP)")
            raise KeyboardInterrupt
        assert store.rows("SELECT count(*) FROM run") == [(0,)]
        with store.transaction():
            pass


def test_threads_write_one_after_the_other(path: Path) -> None:
    def number(store_path: Path) -> None:
        for _ in range(5):
            with open_store(store_path) as store, store.transaction():
                store.connection.execute("INSERT INTO numbers SELECT coalesce(max(n), 0) + 1 FROM numbers")

    with open_store(path) as store:
        store.connection.execute("CREATE TABLE numbers (n INTEGER)")
        threads = [threading.Thread(target=number, args=[path]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.rows("SELECT n FROM numbers ORDER BY n") == [(n,) for n in range(1, 21)]


def test_what_the_memory_does_not_take_is_said_in_our_words(path: Path) -> None:
    large = "CREATE TABLE t AS SELECT n, repeat('x', 100) || n AS s FROM range(2000000) AS t(n) ORDER BY s"
    with open_store(path) as store:
        store.connection.execute("SET memory_limit = '20MB'; SET max_temp_directory_size = '0MB'")
        with (
            pytest.raises(StoreError, match=f"{path}: cannot be written .*; nothing of this step"),
            store.transaction(),
        ):
            store.connection.execute(large)
        assert store.rows("SELECT count(*) FROM duckdb_tables() WHERE table_name = 't'") == [(0,)]


def test_no_variable_of_the_program_is_taken_for_a_table(path: Path) -> None:
    secret = duckdb.sql("SELECT 1 AS a").to_arrow_table()
    with open_store(path, read_only=True) as store, pytest.raises(duckdb.CatalogException):
        store.rows("SELECT * FROM secret")
    assert secret.num_rows == 1


# With other processes


def test_another_process_that_holds_the_file_for_a_while_delays_and_no_more(path: Path) -> None:
    with another_process(holding(path), "held.__exit__(None, None, None)") as process:
        threading.Timer(0.3, let_go, [process]).start()
        started = time.monotonic()
        add(path, "later")
        assert time.monotonic() - started > 0.2
    assert runs(path) == ["later"]


@pytest.mark.parametrize("read_only", [False, True])
def test_patience_comes_to_an_end_that_names_the_file_and_who_holds_it(path: Path, *, read_only: bool) -> None:
    with another_process(holding(path)) as process:
        says = refusal(path, read_only=read_only)
    assert says.startswith(f"{path}: another process has held the store for 0 s")
    assert f"PID {process.pid}" in says


def test_readers_of_several_processes_share_and_a_writer_waits_for_them(path: Path) -> None:
    with another_process(holding(path, read_only=True)):
        assert runs(path) == []
        assert "another process has held" in refusal(path)


def test_a_store_held_over_many_steps_is_given_up_now_and_then(path: Path) -> None:
    setup = (
        f"held = open_store(Path({str(path)!r}), read_only=True)\nprint('ready', flush=True)\n"
        "store = held.__enter__()\nprint('turn', flush=True)\nheld.__exit__(None, None, None)"
    )
    with Turns(path, seconds=0.2) as turns, another_process(setup) as process:
        assert process.stdout is not None
        told: list[str] = []
        listener = threading.Thread(target=lambda: told.append(process.stdout.readline()))  # type: ignore[union-attr]
        listener.start()
        deadline = time.monotonic() + 20
        while not told and time.monotonic() < deadline:
            assert turns.take().rows("SELECT 1") == [(1,)]
        assert told == ["turn\n"]
        listener.join()


def test_steps_in_quick_succession_share_one_opening(path: Path) -> None:
    with Turns(path) as turns:
        assert turns.take() is turns.take()
        turns.rest()
        assert opened_elsewhere(path) == "opened"
        turns.take()
        assert "another process has held" in opened_elsewhere(path)
    assert opened_elsewhere(path) == "opened"


def test_copying_the_file_does_not_let_go_of_it(path: Path) -> None:
    """The system drops a process's locks on a file when it closes any handle of it."""
    with open_store(path) as store:
        with store.closed_file() as file:
            assert file.read(4)
        assert "another process has held" in opened_elsewhere(path)
    assert opened_elsewhere(path) == "opened"


def test_a_kill_loses_nothing_that_was_committed(path: Path) -> None:
    insert = "INSERT INTO run VALUES ('r', 'import', now()::TIMESTAMP, now()::TIMESTAMP)"
    setup = f"{holding(path)}\nwith store.transaction():\n    store.connection.execute({insert!r})"
    with another_process(setup) as process:
        process.kill()
        process.wait()
    assert path.with_name("store.duckdb.wal").exists()
    assert runs(path) == ["r"]


# Files that are none


def test_there_is_nothing_to_read_where_there_is_no_store(tmp_path: Path) -> None:
    says = refusal(tmp_path / "none", read_only=True)
    assert says == f"{tmp_path}/none: there is no store yet; import or crawl something first"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("content", [b"not a database", b"x" * 10_000])
def test_a_file_that_is_no_store_is_named_with_what_to_do(tmp_path: Path, content: bytes, *, read_only: bool) -> None:
    path = tmp_path / "locksmith.duckdb"
    path.write_bytes(content)
    says = refusal(path, read_only=read_only, patience=30)
    assert says.startswith(f"{path}: cannot be opened as a store")
    assert "`geo-flywheel rebuild`" in says


def test_a_hardened_store_opens_no_other_file_and_changes_nothing(path: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    with open_hardened(path) as store:
        for statement in (
            f"FROM read_text('{tmp_path}/secret')",
            f"COPY run TO '{tmp_path}/out.csv'",
            "DELETE FROM run",
            "SET enable_external_access = true",
            f"ATTACH '{tmp_path}/other.duckdb'",
        ):
            with pytest.raises(duckdb.Error):
                store.rows(statement)
    assert not (tmp_path / "out.csv").exists()
    assert one(path, "SELECT count(*) FROM run") == 0


def test_a_statement_of_the_users_comes_to_an_end(path: Path) -> None:
    with open_hardened(path, seconds=0.2) as store, pytest.raises(duckdb.InterruptException):
        store.rows("SELECT count(*) FROM range(1000000000) AS a, range(1000) AS b WHERE a.range % 7 = b.range")


def test_a_store_open_in_another_way_is_said_plainly(path: Path) -> None:
    with open_store(path), pytest.raises(StoreError, match="open in another way"), open_hardened(path):
        pytest.fail("it opened")


def test_no_progress_bar_is_drawn_among_the_data(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.duckdb"):
        pass
    with open_hardened(tmp_path / "s.duckdb") as store:
        assert store.rows("SELECT current_setting('enable_progress_bar')") == [(False,)]
