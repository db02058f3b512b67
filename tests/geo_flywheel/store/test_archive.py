import fcntl
import gzip
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_flywheel.errors import StoreError
from geo_flywheel.store import archive
from geo_flywheel.store.archive import Run, entries, recover, run_entries
from tests.geo_flywheel.store.elsewhere import another_process

Note = dict[str, Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def _fast_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of small files: nothing here is about what a power cut leaves."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def fill(run: Run) -> list[Note]:
    """Three things an archive keeps; returns their notes."""
    run.note({"kind": "file", "sha256": "ab" * 32, "name": "a.csv"})
    run.keep_reply("https://api.example/v1", "200 OK", [("Content-Type", "text/plain")], b"Hello \xff", {"prompt": "p"})
    run.note({"kind": "failed", "name": "b.csv", "problem": "gone"})
    run.sync()
    return [{"kind": "file"}, {"kind": "reply"}, {"kind": "failed"}]


def kinds(path: Path) -> list[str]:
    return [entry.note["kind"] for entry in run_entries(path)]


def closed(root: Path) -> Path:
    run = Run(root, "import")
    fill(run)
    run.close()
    (path,) = root.glob("*.warc.gz")
    return path


def members(data: bytes) -> list[bytes]:
    """The gzip members of a file, each as it lies on disk."""
    found = []
    while data:
        inflate = zlib.decompressobj(wbits=31)
        inflate.decompress(data)
        found.append(data[: len(data) - len(inflate.unused_data)])
        data = inflate.unused_data
    return found


def _first_kinds(records: int) -> list[str]:
    """What the first records of that file tell: a reply and its note are two, and the first one tells of the run."""
    return ["file", "reply", "failed"][: max(0, records - 1 - (records >= 3))]


# One file per run


def test_a_run_writes_into_a_file_of_its_own_that_gets_its_name_when_it_is_closed(root: Path) -> None:
    run, other = Run(root, "import"), Run(root, "crawl")
    assert {path.name for path in root.iterdir()} == {f"{r.run_id}.warc.gz.open" for r in (run, other)}
    run.close()
    assert {path.name for path in root.iterdir()} == {f"{run.run_id}.warc.gz", f"{other.run_id}.warc.gz.open"}
    other.close()


def test_the_file_of_a_run_is_never_one_that_is_there_already(tmp_path: Path) -> None:
    (tmp_path / "x.warc.gz.open").write_bytes(b"of another run")
    with pytest.raises(FileExistsError):
        archive._created(tmp_path / "x.warc.gz.open")


def test_what_was_written_is_read_back(root: Path) -> None:
    path = closed(root)
    file, reply, failure = entries(root)
    assert (file.identity, file.run_kind, file.body) == ("ab" * 32, "import", None)
    assert (reply.note["prompt"], reply.body) == ("p", b"Hello \xff")
    assert reply.identity == reply.note["reply"]
    assert failure.note == {"kind": "failed", "name": "b.csv", "problem": "gone"}
    assert f"{file.run_id}.warc.gz" == path.name
    assert path.name.startswith(file.started_at.strftime("%Y%m%dT%H%M%S.%f"))


def test_any_tool_that_reads_gzip_and_warc_can_read_it(root: Path) -> None:
    text = gzip.decompress(closed(root).read_bytes())
    assert text.count(b"WARC/1.0\r\n") == 5
    assert text.count(b"WARC-Block-Digest: sha1:") == 5


@given(
    note=st.dictionaries(st.text(), st.text(st.characters(codec=None)) | st.integers() | st.none(), max_size=3),
    body=st.binary(max_size=300),
)
def test_any_note_and_any_bytes_come_back(note: Note, body: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("archive")
    run = Run(root, "crawl")
    run.keep_reply("https://api.example/", "200 OK", [], body, note)
    run.close()
    (entry,) = entries(root)
    assert entry.body == body
    assert entry.note == {**note, "kind": "reply", "reply": entry.identity}


def test_runs_are_read_in_the_order_of_their_start(root: Path) -> None:
    first, second = Run(root, "import"), Run(root, "import")
    for run in (second, first):
        run.note({"kind": "file", "sha256": run.run_id})
        run.close()
    assert [entry.run_id for entry in entries(root)] == [first.run_id, second.run_id]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("a file")
    with pytest.raises(StoreError, match=f"{tmp_path}/archive: the archive cannot be written"):
        Run(tmp_path / "archive", "import")


# Damage


@pytest.mark.usefixtures("_fast_disk")
def test_no_flipped_byte_goes_unnoticed_or_changes_what_is_read(root: Path) -> None:
    path = closed(root)
    sound, data = list(entries(root)), path.read_bytes()
    noticed = 0
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            assert list(entries(root)) == sound, f"byte {place}"
        except StoreError:
            noticed += 1
    assert noticed > len(data) - len(members(data)) * 7  # but for the time and the system in each gzip header


@pytest.mark.usefixtures("_fast_disk")
def test_no_cut_goes_unnoticed_but_between_two_records(root: Path) -> None:
    path = closed(root)
    data = path.read_bytes()
    lengths = [len(member) for member in members(data)]
    between = {sum(lengths[:n]): _first_kinds(n) for n in range(1, len(lengths))}
    for length in range(len(data)):
        path.write_bytes(data[:length])
        if length in between:
            assert kinds(path) == between[length]
        else:
            with pytest.raises(StoreError, match=path.name):
                kinds(path)


@pytest.mark.parametrize("tail", [b"garbage", b"\0", b"\0" * 2_000_000, gzip.compress(b"hello"), gzip.compress(b"")])
def test_anything_after_the_end_is_refused(tail: bytes, root: Path) -> None:
    path = closed(root)
    with path.open("ab") as file:
        file.write(tail)
    with pytest.raises(StoreError, match=f"{path}: .*restore the file from a backup"):
        kinds(path)


def _other_text(payload: bytes) -> bytes:
    return payload.replace(b"Hello", b"Jello")


def _shorter(payload: bytes) -> bytes:
    return payload.replace(b"Hello", b"Hell")


def _no_digest(payload: bytes) -> bytes:
    return payload.replace(b"Digest", b"Nigest")


def _other_length(payload: bytes) -> bytes:
    return payload.replace(b"Content-Length: ", b"Content-Length: 1")


@pytest.mark.parametrize("change", [_other_text, _shorter, _no_digest, _other_length])
def test_a_record_whose_bytes_lack_its_length_or_digest_is_refused(
    change: Callable[[bytes], bytes], root: Path
) -> None:
    path = closed(root)
    changed = [gzip.compress(change(gzip.decompress(member))) for member in members(path.read_bytes())]
    assert changed != members(path.read_bytes())
    path.write_bytes(b"".join(changed))
    with pytest.raises(StoreError, match=f"{path}: record [13] does not have its digest"):
        kinds(path)


# Runs that died


@pytest.mark.usefixtures("_fast_disk")
def test_of_a_dead_run_all_whole_records_stay_wherever_it_was_cut(root: Path) -> None:
    data = closed(root).read_bytes()
    ends = [0]
    for member in members(data):
        ends.append(ends[-1] + len(member))
    for cut in range(len(data) + 1):
        folder = root / f"cut-{cut}"
        folder.mkdir()
        (folder / "r.warc.gz.open").write_bytes(data[:cut])
        whole = sum(end <= cut for end in ends) - 1
        assert recover(folder) == ([folder / "r.warc.gz"] if whole else [])
        assert [path.name for path in folder.iterdir()] == (["r.warc.gz"] if whole else [])
        if whole:
            assert (folder / "r.warc.gz").stat().st_size == ends[whole]
            assert kinds(folder / "r.warc.gz") == _first_kinds(whole)


def test_the_file_of_a_live_run_is_left_alone_until_it_is_killed(root: Path) -> None:
    setup = f"run = Run(Path({str(root)!r}), 'import')\nrun.note({{'kind': 'file', 'sha256': 'ab'}})\nrun.sync()"
    with another_process(setup) as process:
        (open_file,) = root.glob("*.open")
        assert recover(root) == []
        assert list(root.glob("*.open")) == [open_file]
        process.kill()
        process.wait()
        (recovered,) = recover(root)
    assert kinds(recovered) == ["file"]
    assert list(root.glob("*.open")) == []


def test_a_run_of_this_process_is_left_alone_too(root: Path) -> None:
    run = Run(root, "import")
    assert recover(root) == []
    fill(run)
    run.close()
    assert [entry.note["kind"] for entry in entries(root)] == ["file", "reply", "failed"]


def test_only_the_unfinished_copies_of_the_dead_run_go(root: Path) -> None:
    run = Run(root, "import")
    fill(run)
    run._file.close()
    (root / "imports").mkdir()
    parts = [root / "imports" / f".abcd.{name}.part" for name in (run.run_id, "another")]
    for part in parts:
        part.write_text("half")
    recover(root)
    assert [part.exists() for part in parts] == [False, True]


def test_two_that_recover_at_once_do_it_once(root: Path) -> None:
    run = Run(root, "import")
    fill(run)
    run._file.close()
    code = f"from geo_flywheel.store.archive import recover, Path\nprint(len(recover(Path({str(root)!r}))))"
    found = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = [process.communicate()[0].strip() for process in found]
    assert sorted(told) == ["0", "0", "1"]
    assert len(list(entries(root))) == 3


def test_a_file_taken_away_before_its_run_locked_it_is_made_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may take the empty file of a run that has not locked it yet for that of a dead one."""
    flock, calls = fcntl.flock, []

    def late(file: Any, operation: int) -> None:
        calls.append(operation)
        if len(calls) == 2:  # the first lock is that of the folder
            Path(file.name).unlink()
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    run = Run(root, "import")
    fill(run)
    run.close()
    assert len(list(entries(root))) == 3


# All of it, undisturbed


def test_nobody_begins_a_run_while_all_of_the_archive_is_read(root: Path) -> None:
    with archive.undisturbed(root), pytest.raises(StoreError, match="the store is being rebuilt"):
        Run(root, "import")
    Run(root, "import").close()


def test_a_live_run_of_another_process_keeps_the_archive_from_being_read_whole(root: Path) -> None:
    setup = f"run = Run(Path({str(root)!r}), 'import')"
    with another_process(setup), pytest.raises(StoreError, match="a run is under way"), archive.undisturbed(root):
        pytest.fail("it was disturbed")


def test_notes_are_plain_json(root: Path) -> None:
    run = Run(root, "import")
    run.note({"kind": "failed", "name": "caf\u00e9 \ud800"})
    run.close()
    (path,) = root.glob("*.warc.gz")
    payload = gzip.decompress(members(path.read_bytes())[1]).split(b"\r\n\r\n")[1]
    assert payload == rb'{"kind": "failed", "name": "caf\u00e9 \ud800"}'
