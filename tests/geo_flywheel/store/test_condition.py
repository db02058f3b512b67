import errno
import fcntl
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from geo_flywheel.errors import StoreError
from geo_flywheel.store.archive import Run
from geo_flywheel.store.condition import ArchiveCondition, StoreCondition, archive_condition, store_condition
from geo_flywheel.store.database import open_store
from tests.geo_flywheel.store.elsewhere import another_process, holding

STARTED = datetime(2026, 11, 22, 6)
NOW = datetime(2026, 11, 22, 12)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store that no run has come to yet."""
    path = tmp_path / "flywheel.duckdb"
    with open_store(path):
        pass
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def insert(path: Path, table: str, *rows: tuple[object, ...]) -> None:
    with open_store(path) as store:
        for row in rows:
            store.connection.table(table).insert(list(row))


def test_a_new_store_holds_nothing(path: Path) -> None:
    assert store_condition(path) == StoreCondition(current=True, last_run=None, captures=0, unread=0)


def test_a_capture_is_unread_until_one_reading_of_it_succeeds(path: Path) -> None:
    insert(path, "run", ("a", "crawl", STARTED, NOW), ("b", "import", STARTED - timedelta(days=1), NOW))
    insert(path, "capture", *((number, "a", f"{number}", "name", 1, None, 200, NOW) for number in (1, 2, 3)))
    outcomes = [(1, "cut off"), (2, "cut off"), (2, None), (3, None), (1, "cut off still")]
    readings = (
        (n, capture, "a", "toy", "toy-1", "rules", "{}", problem, NOW) for n, (capture, problem) in enumerate(outcomes)
    )
    insert(path, "reading", *readings)
    assert store_condition(path) == StoreCondition(current=True, last_run=STARTED, captures=3, unread=1)


def test_a_store_of_another_program_is_told_of_and_left_as_it_is(path: Path) -> None:
    with open_store(path) as store:
        store.connection.execute("UPDATE schema_migration SET views = 'of another program'")
    before = path.read_bytes()
    assert not store_condition(path).current
    assert path.read_bytes() == before


def test_a_store_that_another_process_holds_is_told_of_with_who_holds_it(path: Path) -> None:
    with another_process(holding(path)) as process, pytest.raises(StoreError) as raised:
        store_condition(path, patience=0)
    assert "another process holds the store" in str(raised.value)
    assert f"PID {process.pid}" in str(raised.value)


def test_a_store_that_is_given_up_within_patience_is_looked_at(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with another_process(holding(path), "held.__exit__(None, None, None)") as process:
        waits = []

        def wait(seconds: float) -> None:
            waits.append(seconds)
            process.communicate("\n")

        monkeypatch.setattr("geo_flywheel.store.condition.time.sleep", wait)
        assert store_condition(path, patience=60).current
    assert len(waits) == 1


@pytest.mark.parametrize("content", [b"", b"no store at all", b"\x00" * 5000])
def test_a_file_that_is_no_store_is_told_of_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "flywheel.duckdb"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"cannot be opened as a store .*`geo-flywheel rebuild`"):
        store_condition(path)
    assert path.read_bytes() == content


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store yet"):
        store_condition(tmp_path / "flywheel.duckdb")
    assert not list(tmp_path.iterdir())


def test_runs_that_ended_go_on_and_died_are_told_apart(root: Path) -> None:
    Run(root, "import").close()
    (root / "dead.warc.gz.open").write_bytes(b"123")
    (root / "imports").mkdir()
    (root / "imports" / "ab").write_bytes(b"4567")
    (root / "imports" / ".ab.run.part").write_bytes(b"8")
    with another_process(f"run = Run(Path({str(root)!r}), 'crawl')\nrun.sync()"):
        size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        assert archive_condition(root) == ArchiveCondition(size=size, runs=1, running=1, broken_off=1, files=1)


def test_looking_at_an_archive_keeps_no_lock_and_changes_nothing(root: Path) -> None:
    run = Run(root, "crawl")
    assert archive_condition(root).running == 1
    run.close()
    assert archive_condition(root) == ArchiveCondition(
        size=next(root.iterdir()).stat().st_size, runs=1, running=0, broken_off=0, files=0
    )


def test_a_run_that_ends_while_it_is_looked_at_is_no_error(root: Path) -> None:
    root.mkdir()
    (root / "a.warc.gz.open").symlink_to(root / "gone")
    found = archive_condition(root)
    assert (found.running, found.broken_off, found.size) == (0, 0, 0)


def test_an_archive_that_is_not_there_is_empty_and_not_made(root: Path) -> None:
    assert archive_condition(root) == ArchiveCondition(0, 0, 0, 0, 0)
    assert not root.exists()


def test_an_archive_that_cannot_be_looked_at_is_told_of(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(_file: object, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    run = Run(root, "import")
    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(StoreError, match=r"archive: cannot be looked at \(No locks available\); see to"):
        archive_condition(root)
    run.close()
