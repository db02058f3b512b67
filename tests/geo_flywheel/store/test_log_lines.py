import gzip
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh64_intdigest

from geo_flywheel.errors import Unreadable
from geo_flywheel.store.access_logs import lines as log_lines
from geo_flywheel.store.access_logs.lines import ahead, lines, table
from geo_flywheel.store.access_logs.writer import without_addresses


def told(path: Path, *, has_headers: bool = False) -> list[str]:
    found = [table(some.text, 0) for some in lines(path, has_headers=has_headers)]
    for some in found:
        assert some["line_key"].to_pylist() == [xxh64_intdigest(line.encode()) for line in some["line"].to_pylist()]
    return [line for some in found for line in some["line"].to_pylist()]


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1)),
    st.sampled_from(["", "\n"]),
)
def test_every_line_comes_once_and_whole(
    tmp_path_factory: pytest.TempPathFactory, content: list[str], end: str
) -> None:
    path = tmp_path_factory.mktemp("lines") / "log"
    path.write_bytes(("\n".join(content) + end).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_lines, "BLOCK", 16)
        assert told(path) == content


def test_gzip_is_read_as_if_it_were_plain(tmp_path: Path) -> None:
    plain, packed = tmp_path / "log", tmp_path / "log.gz"
    plain.write_bytes(b"a\r\nb\n\nc")
    packed.write_bytes(gzip.compress(plain.read_bytes()) + gzip.compress(b"\nd\n"))
    assert told(plain) == ["a", "b", "c"]
    assert told(packed) == ["a", "b", "c", "d"]


def test_bytes_that_are_no_text_come_as_their_escapes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"caf\xe9\n\x00\xff\ngood \xc3\xa9\n")
    assert told(path) == ["caf\\xe9", "\x00\\xff", "good é"]


def test_a_line_without_end_is_cut_and_the_next_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lines, "BLOCK", 10)
    monkeypatch.setattr(log_lines, "LONGEST", 20)
    path = tmp_path / "log"
    path.write_bytes(b"x" * 500 + b"\nnext\n")
    assert told(path) == ["x" * 30, "next"]


def test_each_line_comes_with_the_header_above_it(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"lost\n#Fields: A b\n1 2\n#Fields:\tc\n3\n4\n")
    found = [
        (some.fields, line)
        for some in lines(path, has_headers=True)
        for line in table(some.text, 0)["line"].to_pylist()
    ]
    assert [pair for pair in found if not pair[1].startswith("#")] == [
        ((), "lost"),
        (("a", "b"), "1 2"),
        (("c",), "3"),
        (("c",), "4"),
    ]


def test_damaged_gzip_says_so(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b"a line\n" * 9)[:-9])
    with pytest.raises(Unreadable, match="damaged or cut off"):
        told(path)


@pytest.mark.parametrize("address", ["198.51.100.7", "2001:db8::1", "::1", "2001:DB8:0:0:8:800:200C:417A"])
@given(before=st.text("ab [", max_size=5))
def test_no_address_is_left_in_what_is_kept_of_a_line(address: str, before: str) -> None:
    assert address not in without_addresses(f"{before} {address} x [{address}] for={address};")


def test_what_is_made_ahead_is_the_same_and_no_more_than_may_wait() -> None:
    made = []
    begun, before = threading.Event(), threading.active_count()

    def some() -> Iterator[int]:
        for number in range(1, 9):
            made.append(number)
            begun.set()
            yield number
        raise ValueError("no more")

    with ahead(some(), 3) as things:
        assert begun.wait(60)
        for number in range(1, 9):
            assert next(things) == number
            assert len(made) <= number + 3
        with pytest.raises(ValueError, match="no more"):
            next(things)
    with ahead(some(), 2) as things:
        assert next(things) == 1
    assert len(made) <= 8 + 1 + 2
    assert threading.active_count() == before
