"""Lines that compiled code walks through say what the query says of them."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core import caching
from xxhash import xxh64_intdigest

from crawlers.logs.visitors import Visitors
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import LogFile
from geo_flywheel.store.access_logs import chunks as log_chunks
from geo_flywheel.store.access_logs import clock as log_clock
from geo_flywheel.store.access_logs import lines as log_lines
from geo_flywheel.store.access_logs import table as log_table
from geo_flywheel.store.access_logs import texts as log_texts
from geo_flywheel.store.access_logs import told as log_told
from geo_flywheel.store.access_logs import walk as log_walk
from geo_flywheel.store.access_logs import words as log_words
from geo_flywheel.store.append import Reader, Source, append
from geo_flywheel.store.database import open_store

Layout = Literal["combined", "vhost_combined"]
FORMATS: list[tuple[str, Layout]] = [
    ("Combined", "combined"),
    ("Common", "combined"),
    ("Combined with hosts", "vhost_combined"),
]
VISITORS = Visitors()

_HOSTS = st.sampled_from(["own.example", "Own.Example:443", "-", "", "[::1]", "\ufeffown.example"])
_ADDRESSES = st.sampled_from(
    ["198.51.100.7", "20.171.206.9", "10.0.0.1", "2001:db8::1", "-", "", "[", '"', "x" * 120, "a b", "client é"]
)
_CLOCKS = st.sampled_from([
    "01/Mar/2026:00:00:00 +0000", "01/Mar/2026:23:59:59 -0730", "31/Feb/2026:00:00:00 +0000",
    "1/Mar/2026:00:00:00 +0000", "01/Mar/2026:00:00:00 Z", "01/Mär/2026:00:00:00 +000", "01/Mar/2026:00:00:00 +000é",
    "29/Feb/2024:00:00:00 +0000", "29/Feb/2026:00:00:00 +0000", "29/Feb/1900:12:00:00 +0000",
    "31/Dec/9999:00:00:00 +0000", "30/Jun/2015:23:59:60 +0000", "01/Mar/2026:24:00:00 +0000",
    "01/Mar/2026:00:60:00 +0000", "00/Mar/2026:00:00:00 +0000", "01/mar/2026:00:00:00 +0000",
    "01/MAR/2026:00:00:00 -0000", "01/Foo/2026:00:00:00 +0000", "01-Mar-2026:00:00:00 +0000",
    "01/Mar/2026:00:00:00 +9999", "01/Mar/2026:00:00:00 -1260", "01/Mar/2026:00:00:00 00000",
    "01/Mar/2026:00:00:00_+0000", "01/Mar/1969:23:59:59 -0100", "01/Mar/2026:00:00:0\0 +0000",
    "01/Mar/2026:00:00:00 +0 00", "",
])  # fmt: skip
_REQUESTS = st.sampled_from([
    "GET / HTTP/1.1", "GET /a?utm_source=ChatGPT.com&x#y HTTP/2.0", "GET /a#b?utm_source=x HTTP/1.1",
    "GET /a b HTTP/1.1", "GET https://own.example/a?x HTTP/1.1", "OPTIONS * HTTP/1.1", "-", "", "GET", "GET /a", "/",
    r"\x16\x03", r"GET /\"a HTTP/1.1", "GET /é%20 HTTP/1.1", "PROPFINDPROPFINDPROPFIND /a HTTP/1.1",
    "GET /" + "é" * 5000 + " HTTP/1.1", "GET /a%C3?utm_source=%C3 HTTP/1",
])  # fmt: skip
_STATUS = st.sampled_from(["200", "404", "-", "", "+20", "2e2", "20", "2000", "007", "20x"])
_SIZES = st.sampled_from(
    ["512", "-", "", "0", "007", "-5", "+5", "1.5", "9" * 18, "9" * 19, "9" * 40, "x", "5x", "1_0"]
)
_QUOTED = st.sampled_from([
    "-", "", "https://chatgpt.com/", "GPTBot/1.0", "Googlebot/2.1", "20.171.206.9, 10.0.0.1", "Mozilla/5.0 é", r"a\"b",
    "a\\\\", 'a"b', "[x]", "a b", "\0", "\t",
])  # fmt: skip
_ENDS = st.sampled_from(["\n"] * 9 + ["\r\n", "", "\n\n", "\r"])
_RAW = st.binary(max_size=12).filter(lambda raw: b"\n" not in raw)


@st.composite
def odd_lines(draw: st.DrawFn) -> bytes:
    """A line whose parts are each right or wrong."""
    host = draw(st.sampled_from(["", draw(_HOSTS) + " "]))
    start = draw(st.sampled_from([f"{host}{draw(_ADDRESSES)} - - [", f"{host}{draw(_ADDRESSES)} [", "["]))
    head = start + draw(_CLOCKS) + draw(st.sampled_from(["] ", "]", " "]))
    tail = draw(st.sampled_from([" ", ""])) + draw(_STATUS) + draw(st.sampled_from([" ", "  "])) + draw(_SIZES)
    said = "".join(f' "{text}"' for text in draw(st.lists(_QUOTED, max_size=5)))
    rest = draw(st.sampled_from(["", " ", " 0.05", '"']))
    line = f'{head}"{draw(_REQUESTS)}"{tail}{said}{rest}'.encode()
    return line[: draw(st.sampled_from([len(line)] * 9 + [len(line) // 2]))] + draw(_ENDS).encode()


@st.composite
def good_lines(draw: st.DrawFn) -> bytes:
    """A line of the kind that logs are made of, now and then one that is wrong in one place."""
    clock = f"02/Mar/2026:10:11:{draw(st.integers(0, 59)):02} +0100"
    parts = ["own.example", "198.51.100.7", clock, "GET /a HTTP/1.1", "200", "5", "https://chatgpt.com/", "GPTBot/1.0"]
    wrong = (_HOSTS, _ADDRESSES, _CLOCKS, _REQUESTS, _STATUS, _SIZES, _QUOTED, _QUOTED)
    place = draw(st.integers(0, 15))
    if place < len(parts):
        parts[place] = draw(wrong[place])
    host, address, clock, request, status, size, referrer, agent = parts
    more = draw(st.sampled_from([""] * 5 + [' "203.0.113.9"', ' "203.0.113.9, 10.0.0.1" "x"', " 0.1"]))
    start = draw(st.sampled_from([f"{host} {address} - -", f"{address} - -"]))
    return f'{start} [{clock}] "{request}" {status} {size} "{referrer}" "{agent}"{more}'.encode() + draw(_ENDS).encode()


@st.composite
def common_lines(draw: st.DrawFn) -> bytes:
    """A line without referrer and agent."""
    start = f"{draw(_ADDRESSES)} - - [{draw(_CLOCKS)}]"
    return f'{start} "{draw(_REQUESTS)}" {draw(_STATUS)} {draw(_SIZES)}'.encode() + draw(_ENDS).encode()


@given(st.binary(max_size=300), st.integers(0, 40), st.integers(0, 40))
def test_the_digest_is_that_of_the_library(data: bytes, before: int, behind: int) -> None:
    padded = np.frombuffer(bytes(before) + data + bytes(behind + 8), np.uint8)
    assert int(log_words.xxh64(log_texts.words(padded), before, before + len(data))) == xxh64_intdigest(data)


def test_the_digest_of_every_length_is_that_of_the_library() -> None:
    data = np.random.default_rng(1).integers(0, 256, 308, np.uint8)
    for length in range(301):
        assert int(log_words.xxh64(log_texts.words(data), 0, length)) == xxh64_intdigest(data[:length].tobytes())


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.integers(-99, 99), st.integers(0, 99))
def test_every_clock_is_read(moment: datetime, hours: int, minutes: int) -> None:
    moment = moment.replace(microsecond=0)
    clock = f"{moment:%d/%b}/{moment.year:04}:{moment:%H:%M:%S} {hours:+03}{minutes:02}] "
    text = np.frombuffer(clock.encode() + bytes(8), np.uint8)
    utc = (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    ahead = (60 * abs(hours) + minutes) * (-1 if clock[21] == "-" else 1)
    assert log_clock.moment_of(log_texts.words(text), 0) == utc - ahead * 60_000_000


def test_compiled_code_is_made_anew_when_a_part_of_it_changes() -> None:
    """What is kept of it is known by the one file it stands in; if this fails, write the digest of its parts there."""
    folder = Path(log_walk.__file__).parent
    parts = b"".join((folder / f"{part}.py").read_bytes() for part in log_walk.PARTS)
    assert sha256(parts).hexdigest()[:16] == log_walk.DIGEST


def told(file: LogFile) -> tuple[Counter[tuple[Any, ...]], Counter[tuple[Any, ...]], list[str]]:
    """All that is read of a log: its lines, its visits, and the lines that cannot be read in their order."""
    rows: Counter[tuple[Any, ...]] = Counter()
    visits: Counter[tuple[Any, ...]] = Counter()
    bad: list[str] = []
    for chunk in log_chunks.chunks(file):
        said = chunk.lines
        pages = [chunk.pages.things[number] for number in said.page]
        lines = list(zip(said.keys.tolist(), said.moments.tolist(), pages, said.status.tolist(), strict=True))
        rows.update(zip(lines, said.is_visit.tolist(), strict=True))
        found = [line for line, is_visit in zip(lines, said.is_visit, strict=True) if is_visit]
        kinds = [chunk.kinds.things[number] for number in chunk.visits["kind"].to_pylist()]
        visits.update(zip(found, kinds, chunk.visits["bytes"].to_pylist(), strict=True))
        bad += chunk.bad
    return rows, visits, bad


def both(file: LogFile, *, block: int = 2_000, texts: int = 4, most: int = 500_000) -> list[Any]:
    """What is read when lines are walked through, and when none is."""
    found = []
    for least in (0, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log_chunks, "LEAST", least)
            patch.setattr(log_lines, "BLOCK", block)
            patch.setattr(log_texts, "_TEXTS", texts)
            for module in (log_texts, log_told):
                patch.setattr(module, "MOST", most)
            found.append(told(file))
    return found


def mixed(lines: Sequence[bytes], raw: Sequence[bytes]) -> bytes:
    """Lines, and bytes of any kind among them."""
    return b"".join(lines[: len(lines) // 2]) + b"\n".join(raw) + b"".join(lines[len(lines) // 2 :])


@settings(max_examples=150)
@given(
    st.sampled_from(FORMATS),
    st.sampled_from([4, 64]),
    st.sampled_from([0, 20, 500_000]),
    st.sampled_from(["own.example", "own.example", ""]),
    st.one_of(
        st.lists(st.one_of(good_lines(), good_lines(), odd_lines()), max_size=30),
        st.lists(common_lines(), max_size=30),
        st.lists(odd_lines(), max_size=10),
    ),
    st.lists(_RAW, max_size=3),
)
def test_lines_walked_through_say_what_the_query_says(
    tmp_path_factory: pytest.TempPathFactory,
    form: tuple[str, Layout],
    texts: int,
    most: int,
    host: str,
    lines: list[bytes],
    raw: list[bytes],
) -> None:
    path = tmp_path_factory.mktemp("cuts") / "log"
    path.write_bytes(b"\n" + mixed(lines, raw))
    walked, queried = both(LogFile(path, *form, VISITORS, host), texts=texts, most=most)
    assert walked == queried


TABLES = ("visit", "visit_kind", "log_page", "traffic", "log_file", "log_problem", "log_line", "link", "page")


def stored(file: LogFile, folder: Path, least: int) -> dict[str, Counter[tuple[Any, ...]]]:
    """All that a store holds of a log."""
    with pytest.MonkeyPatch.context() as patch, open_store(folder / f"{least}.duckdb") as store:
        patch.setattr(log_chunks, "LEAST", least)
        patch.setattr(log_lines, "BLOCK", 1_000)
        source = Source("run", "import", datetime(2026, 3, 1), "identity", "log", 1, Reader("access_log", "1"))
        with suppress(Unreadable):
            append(store, source, [file])
        return {table: Counter(store.rows(f"SELECT * FROM {table}")) for table in TABLES}  # noqa: S608 - names written above


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(FORMATS),
    st.lists(st.one_of(good_lines(), good_lines(), good_lines(), odd_lines()), max_size=20),
    st.lists(st.integers(0, 19), max_size=20),
)
def test_a_log_walked_through_is_stored_as_one_that_is_queried(
    tmp_path_factory: pytest.TempPathFactory, form: tuple[str, Layout], lines: list[bytes], again: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("stored")
    path = folder / "log"
    path.write_bytes(b"\n" + b"".join([*lines, *(lines[number] for number in again if number < len(lines))]))
    file = LogFile(path, *form, VISITORS, "own.example")
    assert stored(file, folder, 0) == stored(file, folder, 10**9)


def _one_more(number: int) -> int:
    return number + 1


def test_compiled_code_that_can_be_kept_nowhere_works_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    assert log_words.kernel(_one_more)(1) == 2


def test_compiled_code_works_though_the_disk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)
    assert log_words.kernel(_one_more)(1) == 2


@pytest.mark.parametrize(
    ("name", "layout", "line"),
    [
        ("Combined", "combined", '198.51.100.7 - - [{}] "GET /a?b HTTP/1.1" 200 5 "-" "GPTBot"'),
        ("Combined", "combined", '198.51.100.7 - - [{}] "GET /a?b HTTP/1.1" 200 - "-" "GPTBot" "203.0.113.9"'),
        ("Common", "combined", '2001:db8::1 - me [{}] "GET /a?b HTTP/1.1" 200 5'),
        (
            "Combined with hosts",
            "vhost_combined",
            'own.example:443 198.51.100.7 - - [{}] "GET / HTTP/1.1" 200 5 "-" "-"',
        ),
    ],
)
def test_ordinary_lines_are_walked_through(name: str, layout: Layout, line: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    clocks = [f"01/Mar/2026:00:00:{second:02} +0000" for second in range(60)]
    path.write_text("".join(line.format(clock) + "\n" for clock in clocks) + "nonsense\n")
    file = LogFile(path, name, layout, VISITORS, "own.example")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_chunks, "LEAST", 0)
        assert [(chunk.lines.keys.size, len(chunk.bad)) for chunk in log_chunks.chunks(file)] == [(60, 0), (0, 1)]
    walked, queried = both(file)
    assert walked == queried


@pytest.mark.parametrize("most", [0, 1_000, 500_000])
def test_a_block_may_have_more_texts_than_there_is_room_for(tmp_path: Path, most: int) -> None:
    path = tmp_path / "log"
    line = (
        '{0}.example:443 198.51.100.{0} - - [01/Mar/2026:00:00:00 +0000] "GET /{1}?utm_source={1} HTTP/1.1" 200 5'
        ' "https://chatgpt.com/{1}" "{2}/{3}" "203.0.113.{0}"\n'
    )
    agents = ("GPTBot", "Mozilla", "ClaudeBot")
    path.write_text(
        "".join(line.format(n % 200, "x" * (n % 97) + str(n % 1500), agents[n % 3], n) for n in range(3_000))
    )
    file = LogFile(path, "Combined with hosts", "vhost_combined", VISITORS)
    walked, queried = both(file, block=400_000, most=most)
    assert walked == queried


def test_texts_that_collide_are_told_apart() -> None:
    """More texts of one slot than are looked for: those beyond come to have a number each time."""
    text = np.frombuffer(b"".join(b"%03d" % n for n in range(200)) + bytes(8), np.uint8).copy()
    block, known = log_texts.words(text), log_texts.Texts()
    numbers = [
        [log_table.number_of(known.table, block, 3 * n, 3 * n + 3, 0, np.uint64(7)) for n in range(200)] for _ in "ab"
    ]
    assert numbers[0] == list(range(200))
    assert numbers[1][:64] == list(range(64))
    assert numbers[1][64:] == list(range(200, 336))
    assert known.between(0, 336).to_pylist() == [f"{n:03}" for n in [*range(200), *range(64, 200)]]


def test_who_once_came_through_a_proxy_is_judged_alone_as_well(tmp_path: Path) -> None:
    path = tmp_path / "log"
    line = '198.51.100.7 - - [01/Mar/2026:00:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "GPTBot"'
    path.write_text(f'{line} "203.0.113.9"\n{line}\n' + f"{line}\n" * 40)
    walked, queried = both(LogFile(path, "Combined", "combined", VISITORS, "own.example"), block=150)
    assert walked == queried


def test_an_escape_that_is_no_text_stops_no_log(tmp_path: Path) -> None:
    path = tmp_path / "log"
    line = '1.2.3.4 - - [01/Mar/2026:00:00:00 +0000] "GET /a?utm_source=x%C3 HTTP/1.1" 200 5 "-" "GPTBot"\n'
    path.write_text(line * 2)
    for _, visits, _ in both(LogFile(path, "Combined", "combined", VISITORS, "own.example")):
        assert {kind.utm_source for _, kind, _ in visits} == {"x%c3"}
