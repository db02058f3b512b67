from pathlib import Path

import pytest

from geo_flywheel.errors import StoreError
from geo_flywheel.store.copies import backup, publish
from geo_flywheel.store.database import open_store
from tests.geo_flywheel.store.contents import tables
from tests.geo_flywheel.store.elsewhere import another_process, opened_elsewhere, tried
from tests.geo_flywheel.store.test_database import add, runs


@pytest.fixture
def path(tmp_path: Path) -> Path:
    add(tmp_path / "store.duckdb", "first")
    return tmp_path / "store.duckdb"


@pytest.mark.parametrize("copy", [backup, publish])
def test_a_copy_is_a_store_with_the_same_rows(copy: object, path: Path, tmp_path: Path) -> None:
    assert callable(copy)
    copy(path, tmp_path / "new" / "copy.duckdb")
    assert tables(tmp_path / "new" / "copy.duckdb") == tables(path)
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["copy.duckdb"]


def test_a_copy_holds_what_is_committed_while_others_use_the_store(path: Path, tmp_path: Path) -> None:
    with open_store(path) as store:
        add(path, "second")
        publish(path, tmp_path / "copy")
        assert store.rows("SELECT count(*) FROM run") == [(2,)]
        assert "another process has held" in opened_elsewhere(path)
    assert runs(tmp_path / "copy") == ["first", "second"]


def test_a_backup_never_replaces_a_file(path: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("mine")
    with pytest.raises(StoreError, match="copy: exists already; name a file that does not"):
        backup(path, tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "mine"


@pytest.mark.parametrize("copy", [backup, publish])
def test_without_a_store_nothing_is_copied_and_none_is_made(copy: object, tmp_path: Path) -> None:
    assert callable(copy)
    with pytest.raises(StoreError, match="there is no store yet"):
        copy(tmp_path / "none", tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_left(path: Path, tmp_path: Path) -> None:
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(StoreError, match="folder: cannot be written"):
        publish(path, tmp_path / "folder")
    assert list(tmp_path.glob(".*")) == []


def test_a_reader_of_the_old_copy_keeps_it_while_a_new_one_is_published(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "published.duckdb"
    publish(path, copy)
    setup = f"import duckdb\nheld = duckdb.connect({str(copy)!r}, read_only=True)"
    with another_process(setup, "print(held.execute('SELECT count(*) FROM run').fetchall())") as process:
        add(path, "second")
        publish(path, copy)
        assert (
            tried(f"import duckdb\nprint(duckdb.connect({str(copy)!r}).execute('FROM run').fetchall()[-1][0])")
            == "second"
        )
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.close()
        assert process.stdout is not None
        assert process.stdout.read() == "[(1,)]\n"


def test_a_store_that_did_not_change_is_not_copied_again(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "published.duckdb"
    publish(path, copy)
    before = copy.stat()
    publish(path, copy)
    runs(path)
    publish(path, copy)
    assert copy.stat().st_ino == before.st_ino
    add(path, "second")
    publish(path, copy)
    assert runs(copy) == ["first", "second"]
