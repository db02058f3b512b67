import gzip
import zipfile
from pathlib import Path

import pytest

from crawlers.base import DroppedFile
from crawlers.dropped import files
from crawlers.dropped.files import archive, bounded, member, opened
from geo_flywheel.errors import Unreadable


def at(path: Path) -> DroppedFile:
    return DroppedFile(path, path.name, b"", {})


def test_gzip_is_unpacked_and_everything_else_left_as_it_is(tmp_path: Path) -> None:
    for body in (gzip.compress(b"a" * 9), b"a" * 9):
        (tmp_path / "f").write_bytes(body)
        with opened(at(tmp_path / "f")) as stream:
            assert stream.read() == b"a" * 9


def test_gzip_stops_at_its_limit(tmp_path: Path) -> None:
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"\0" * 1_000_000))
    with (
        opened(at(tmp_path / "bomb.gz"), limit=10_000) as stream,
        pytest.raises(Unreadable, match=r"bomb\.gz: unpacks"),
    ):
        stream.read()


def test_a_file_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="check the path"):
        opened(at(tmp_path / "none"))


def test_a_zip_that_is_none_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "z.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(Unreadable, match=r"z\.zip: a zip that is cut off"), archive(at(tmp_path / "z.zip")):
        pass


def test_a_member_that_says_it_is_too_large_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_MEMBER", 1000)
    with zipfile.ZipFile(tmp_path / "z.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("bomb.json", b"[" + b" " * 10_000)
    with archive(at(tmp_path / "z.zip")) as found, pytest.raises(Unreadable, match=r"bomb\.json: unpacks to more"):
        bounded(found.infolist(), "z.zip")


def test_members_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_MEMBERS", 1000)
    with zipfile.ZipFile(tmp_path / "z.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.json", b" " * 600)
        made.writestr("b.json", b" " * 600)
    with archive(at(tmp_path / "z.zip")) as found, pytest.raises(Unreadable, match="its members together"):
        bounded(found.infolist(), "z.zip")


def test_a_member_that_lies_about_its_size_is_unreadable(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.json", b" " * 100_000)
    with archive(at(tmp_path / "z.zip")) as found:
        (info,) = found.infolist()
        info.file_size = 10
        with member(found, info, "z.zip") as stream, pytest.raises(Unreadable, match=r"a\.json"):
            stream.read()


@pytest.mark.parametrize(
    ("change", "problem"), [({"flag_bits": 1}, "encrypted"), ({"compress_type": zipfile.ZIP_LZMA}, "method 14")]
)
def test_a_member_nobody_can_read_is_told(change: dict[str, int], problem: str) -> None:
    info = zipfile.ZipInfo("a.json")
    for name, value in change.items():
        setattr(info, name, value)
    with pytest.raises(Unreadable, match=problem):
        bounded([info], "z.zip")
