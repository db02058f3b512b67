"""Lines cut all at once say what the query says of them line by line."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.logs.visitors import Visitors
from geo_flywheel.records import LogFile
from geo_flywheel.store import log_chunks, log_cuts, log_lines

Layout = Literal["combined", "vhost_combined"]
FORMATS: list[tuple[str, Layout]] = [
    ("Combined", "combined"),
    ("Common", "combined"),
    ("Combined with hosts", "vhost_combined"),
]
VISITORS = Visitors()

_HOSTS = st.sampled_from(["own.example", "Own.Example:443", "-", "", "[::1]", "\ufeffown.example"])
_ADDRESSES = st.sampled_from(["198.51.100.7", "2001:db8::1", "-", "", "[", '"', "x" * 120, "a b", "client é"])
_CLOCKS = st.sampled_from([
    "01/Mar/2026:00:00:00 +0000", "01/Mar/2026:23:59:59 -0730", "31/Feb/2026:00:00:00 +0000",
    "1/Mar/2026:00:00:00 +0000", "01/Mar/2026:00:00:00 Z", "01/Mär/2026:00:00:00 +000", "01/Mar/2026:00:00:00 +000é",
    "",
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
_QUOTED = st.sampled_from(
    ["-", "", "https://chatgpt.com/", "Mozilla/5.0 é", r"a\"b", "a\\\\", 'a"b', "[x]", "a b", "\0", "\t"]
)
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


def told(file: LogFile) -> tuple[Counter[tuple[Any, ...]], list[str]]:
    """All that is read of a log, and the lines that cannot be read in their order."""
    rows: Counter[tuple[Any, ...]] = Counter()
    bad: list[str] = []
    for chunk in log_chunks.chunks(file):
        entries = chunk.to_pylist()
        bad += [entry["bad"] for entry in entries if entry["bad"] is not None]
        rows.update(tuple(sorted(entry.items(), key=str)) for entry in entries)
    return rows, bad


def both(file: LogFile) -> list[tuple[Counter[tuple[Any, ...]], list[str]]]:
    """What is read when lines are cut all at once, and when none is."""
    found = []
    for fewest in (0, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log_cuts, "FEWEST", fewest)
            patch.setattr(log_lines, "BLOCK", 2_000)
            found.append(told(file))
    return found


def mixed(lines: Sequence[bytes], raw: Sequence[bytes]) -> bytes:
    """Lines, and bytes of any kind among them."""
    return b"".join(lines[: len(lines) // 2]) + b"\n".join(raw) + b"".join(lines[len(lines) // 2 :])


@settings(max_examples=150)
@given(
    st.sampled_from(FORMATS),
    st.sampled_from(["own.example", "own.example", ""]),
    st.one_of(
        st.lists(st.one_of(good_lines(), good_lines(), odd_lines()), max_size=30),
        st.lists(common_lines(), max_size=30),
        st.lists(odd_lines(), max_size=10),
    ),
    st.lists(_RAW, max_size=3),
)
def test_cut_all_at_once_lines_say_what_they_say_one_by_one(
    tmp_path_factory: pytest.TempPathFactory,
    form: tuple[str, Layout],
    host: str,
    lines: list[bytes],
    raw: list[bytes],
) -> None:
    path = tmp_path_factory.mktemp("cuts") / "log"
    path.write_bytes(b"\n" + mixed(lines, raw))
    at_once, one_by_one = both(LogFile(path, *form, VISITORS, host))
    assert at_once == one_by_one


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
def test_ordinary_lines_are_cut_all_at_once(name: str, layout: Layout, line: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    clocks = [f"01/Mar/2026:00:00:{second:02} +0000" for second in range(60)]
    path.write_text("".join(line.format(clock) + "\n" for clock in clocks) + "nonsense\n")
    file = LogFile(path, name, layout, VISITORS, "own.example")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_cuts, "FEWEST", 0)
        assert [chunk.num_rows for chunk in log_chunks.chunks(file)] == [60, 1]
    at_once, one_by_one = both(file)
    assert at_once == one_by_one


def test_an_escape_that_is_no_text_stops_no_log(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text('1.2.3.4 - - [01/Mar/2026:00:00:00 +0000] "GET /a?utm_source=x%C3 HTTP/1.1" 200 5 "-" "-"\n' * 2)
    for rows, _ in both(LogFile(path, "Combined", "combined", VISITORS, "own.example")):
        assert {value for row in rows for name, value in row if name == "utm_source"} == {"x%c3"}
