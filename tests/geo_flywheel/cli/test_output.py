import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_flywheel.cli._formats import plain
from geo_flywheel.cli.output import FORMATS, Format, printable, say, write_rows

GOLDEN = Path(__file__).parent / "golden"
COLUMNS = ("page", "cited", "rate", "week", "more")
ROWS: list[list[object]] = [
    ["https://a.example/x|y", 12, 0.25, date(2026, 1, 5), None],
    ["=HYPERLINK(1)", -3, -3.2, datetime(2026, 1, 5, 12, 30), ["a", {"n": 1}]],
    ["-3.2", None, float("nan"), None, "plain, with comma"],
    ["\x1b[31mred\x1b[0m <b>\nnext", 1_000_000, 2.0, None, True],
    ["naïve 日本", 0, 0.00001, None, Decimal("1.50")],
]


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_writes_its_golden_bytes(format_: Format, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    write_rows(COLUMNS, ROWS, format_)
    assert capsysbinary.readouterr().out == (GOLDEN / f"rows.{format_}").read_bytes()


@pytest.mark.parametrize("format_", FORMATS)
def test_no_rows_are_still_the_columns(format_: Format, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(["a", "b"], [], format_)
    written = capsys.readouterr().out
    expected = {"csv": "a,b\n", "json": "[]\n", "ndjson": "", "markdown": "| a | b |\n| --- | --- |\n"}
    assert written == expected.get(format_, written)
    assert format_ != "table" or written.split()[:2] == ["a", "b"]


def test_columns_of_one_name_lose_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(["a", "a_2", "a"], [[1, 2, 3]], "ndjson")
    assert json.loads(capsys.readouterr().out) == {"a": 1, "a_2": 2, "a_3": 3}


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-cmd", "@SUM", "\t=1", "\r=1", "-1+1", "\uff1d1", "-", "+1e5x"])
def test_a_cell_a_spreadsheet_would_run_is_escaped(cell: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_rows([cell], [[cell]], "csv")
    written = capfdbinary.readouterr().out.decode()
    rows = list(csv.reader(io.StringIO(written, newline="")))
    assert rows == [[f"'{cell}"], [f"'{cell}"]]


@pytest.mark.parametrize("cell", [-3.2, "-3.2", "+4", "-1e-05", "1", -7, 1e300, "a=b", "", "a@b.example"])
def test_a_plain_number_or_harmless_text_stays(cell: object, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(
        ["x"],
        [
            [
                cell,
            ]
        ],
        "csv",
    )
    assert next(csv.reader(io.StringIO(capsys.readouterr().out[2:])), [""]) == [str(cell)]


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_text_of_any_kind_is_the_same_after_json(rows: list[list[object]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stream = io.StringIO()
        patch.setattr("sys.stdout", stream)
        write_rows(["a", "b"], rows, "json")
    assert [list(row.values()) for row in json.loads(stream.getvalue())] == rows


@given(st.text())
def test_no_control_character_reaches_a_terminal(text: str) -> None:
    for format_ in ("table", "markdown"):
        with pytest.MonkeyPatch.context() as patch:
            stream = io.StringIO()
            patch.setattr("sys.stdout", stream)
            write_rows([text], [[text]], format_)
        assert not any(
            character < " " or "\x7f" <= character < "\xa0" for character in stream.getvalue().replace("\n", "")
        )


@pytest.mark.parametrize(
    ("value", "known"),
    [
        (float("inf"), None),
        (Decimal(2), 2),
        (Decimal("2.5"), 2.5),
        (Decimal("NaN"), None),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),
        (b"\x00\xff", "00ff"),
        ({1: [float("nan")]}, {"1": [None]}),
        (2**200, 2**200),
    ],
)
def test_a_value_becomes_what_json_knows(value: object, known: object) -> None:
    assert plain(value) == known


def test_a_number_of_numpy_becomes_a_number() -> None:
    assert plain(np.float64("nan")) is None
    assert type(plain(np.int64(3))) is int


def test_talk_goes_to_stderr_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    say("two\nlines\x1b[2J")
    assert capsys.readouterr() == ("", "two\nlines [2J\n")


def test_a_wide_table_is_never_cut_where_no_terminal_bounds_it(capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(["a", "b"], [["x" * 500, "y" * 500]])
    assert f"{'x' * 500}   {'y' * 500}" in capsys.readouterr().out


def test_marks_that_turn_the_direction_of_text_are_not_printed() -> None:
    assert printable("a\u202eb\u2028c") == "a b c"
