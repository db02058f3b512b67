import os
from pathlib import Path

import pytest

from geo_flywheel.errors import StoreError, Unreadable
from geo_flywheel.store.kept_files import digest, keep, kept_file, place


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "archive").mkdir()
    return tmp_path / "archive"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.csv").write_bytes(b"bytes")
    return tmp_path / "a.csv"


def test_a_file_is_kept_byte_for_byte_under_its_digest(root: Path, file: Path) -> None:
    keep(root, file, digest(file), "run")
    assert [path.name for path in (root / "imports").iterdir()] == [digest(file)]
    assert kept_file(root, digest(file)).read_bytes() == b"bytes"


def test_a_sound_copy_is_used_and_a_damaged_one_replaced(root: Path, file: Path) -> None:
    keep(root, file, digest(file), "run")
    kept = place(root, digest(file))
    before = kept.stat()
    keep(root, file, digest(file), "run")
    assert kept.stat().st_ino == before.st_ino
    kept.write_bytes(b"bytez")
    with pytest.raises(StoreError, match="its bytes no longer have the digest of its name; hand the file in again"):
        kept_file(root, digest(file))
    keep(root, file, digest(file), "run")
    assert kept_file(root, digest(file)).read_bytes() == b"bytes"


def test_a_file_that_changed_meanwhile_is_not_kept_and_nothing_else_goes(root: Path, file: Path) -> None:
    keep(root, file, digest(file), "run")
    with pytest.raises(Unreadable, match="it changed while it was read"):
        keep(root, file, "ab" * 32, "run")
    assert [path.name for path in (root / "imports").iterdir()] == [digest(file)]


def test_a_file_that_is_gone_meanwhile_is_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=f"{tmp_path}/gone: cannot be read"):
        keep(root, tmp_path / "gone", "ab" * 32, "run")
    assert list((root / "imports").iterdir()) == []


def test_a_disk_that_takes_no_more_leaves_no_half_copy(root: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="the archive cannot be written .No space left on device.; free some space"):
        keep(root, file, digest(file), "run")
    assert list((root / "imports").iterdir()) == []


def test_a_file_that_is_not_there_is_asked_for_again(root: Path) -> None:
    with pytest.raises(StoreError, match="the archive lacks this file; hand it in again"):
        kept_file(root, "ab" * 32)
