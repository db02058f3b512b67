from datetime import date
from pathlib import Path

import pytest

from geo_flywheel import reports
from geo_flywheel.errors import ReportError
from geo_flywheel.reports import Report
from geo_flywheel.store.database import open_hardened
from tests.queries.markets import EVERYTHING, fill

OWN = """\
-- description: Prompts with a word.
-- param word VARCHAR: what to look for
-- param first DATE: from when on
-- param most INTEGER: how many
-- param share DOUBLE: of what
-- param every BOOLEAN: or not
SET VARIABLE word = coalesce(getvariable('word')::VARCHAR, 'question');
SET VARIABLE first = coalesce(getvariable('first')::DATE, DATE '2026-01-01');
SET VARIABLE most = coalesce(getvariable('most')::INTEGER, 2);
SET VARIABLE share = getvariable('share')::DOUBLE;
SET VARIABLE every = getvariable('every')::BOOLEAN;
SELECT getvariable('word') AS word, getvariable('first') AS first, getvariable('most') AS most,
    getvariable('share') AS share, getvariable('every') AS everything
ORDER BY ALL;
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "queries"
    folder.mkdir()
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return fill(tmp_path / "store.duckdb", EVERYTHING)


def added(own: Path, sql: str = OWN, name: str = "mine") -> Report:
    (own / f"{name}.sql").write_text(sql)
    return reports.get(name, own)


def one_row(store: Path, report: Report, **values: object) -> dict[str, object]:
    with open_hardened(store) as opened:
        rows: list[dict[str, object]] = reports.run(opened, report, values).to_pylist()
    (row,) = rows
    return row


def refusal(store: Path, report: Report, **values: object) -> str:
    with open_hardened(store) as opened, pytest.raises(ReportError) as caught:
        reports.run(opened, report, values)
    return str(caught.value)


def test_a_file_in_the_workspace_is_a_report(own: Path) -> None:
    report = added(own)
    assert report.description == "Prompts with a word."
    assert [(p.name, p.type, p.default) for p in report.parameters] == [
        ("word", "VARCHAR", "'question'"),
        ("first", "DATE", "DATE '2026-01-01'"),
        ("most", "INTEGER", "2"),
        ("share", "DOUBLE", None),
        ("every", "BOOLEAN", None),
    ]
    assert "mine" in [report.name for report in reports.find(own)]


def test_a_folder_that_is_not_there_holds_no_report(own: Path) -> None:
    assert reports.find(own / "nowhere") == reports.find()


def test_a_name_that_is_shipped_cannot_be_taken(own: Path) -> None:
    with pytest.raises(ReportError, match=r"volatility\.sql: a report of this name is shipped"):
        added(own, name="volatility")


def test_an_unknown_report_names_the_nearest() -> None:
    with pytest.raises(ReportError, match=r"no report is called volatilty; did you mean volatility\?"):
        reports.get("volatilty")


def test_a_file_that_is_not_text_is_named(own: Path) -> None:
    (own / "bytes.sql").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ReportError, match=r"bytes\.sql: cannot be read"):
        reports.find(own)


def test_defaults_hold_until_a_value_is_given(own: Path, store: Path) -> None:
    assert one_row(store, added(own)) == {
        "word": "question",
        "first": date(2026, 1, 1),
        "most": 2,
        "share": None,
        "everything": None,
    }


def test_values_are_bound_in_their_type_and_never_as_sql(own: Path, store: Path) -> None:
    given = {"word": "'); DROP TABLE page; --", "first": "2026-02-03", "most": "7", "share": "0.5", "every": "true"}
    assert one_row(store, added(own), **given) == {
        "word": "'); DROP TABLE page; --",
        "first": date(2026, 2, 3),
        "most": 7,
        "share": 0.5,
        "everything": True,
    }


def test_values_of_one_run_are_not_those_of_the_next(own: Path, store: Path) -> None:
    report = added(own)
    with open_hardened(store) as opened:
        reports.run(opened, report, {"word": "other", "share": 1})
        assert reports.run(opened, report, {}).to_pylist()[0] | {"first": None} == {
            "word": "question",
            "first": None,
            "most": 2,
            "share": None,
            "everything": None,
        }


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("first", "2026-13-01", "first = 2026-13-01: not a date; write it as 2026-01-31"),
        ("first", "yesterday", "first = yesterday: not a date; write it as 2026-01-31"),
        ("most", "many", "most = many: not a whole number; write it as 20"),
        ("most", str(2**31), "most = 2147483648: not a whole number; write it as 20"),
        ("share", "half", "share = half: not a number; write it as 0.5"),
        ("every", "maybe", "every = maybe: not true or false"),
        ("wrod", "x", "mine has no parameter wrod; did you mean word?"),
    ],
)
def test_a_wrong_value_names_the_parameter_and_the_form_wanted(
    name: str, value: str, told: str, own: Path, store: Path
) -> None:
    assert refusal(store, added(own), **{name: value}) == told


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("", "there is no statement"),
        ("SELECT 1; SELECT 2", "only SET VARIABLE may stand before the SELECT"),
        ("SET threads = 1; SELECT 1", "only SET VARIABLE may stand before the SELECT"),
        ("COPY (SELECT 1) TO '/tmp/x.csv'", "Only SELECT"),
        ("SET VARIABLE a = 1; SELECT 1", "not of the one form allowed"),
        ("SET VARIABLE a = coalesce(getvariable('a')::DATE, DATE '2026-01-01'); SELECT 1", "a is set and not said"),
        ("-- param a DATE: x\nSELECT 1", "nothing sets the parameter a"),
        ("-- param a DATE: x\nSET VARIABLE a = getvariable('a')::VARCHAR; SELECT 1", "nothing sets the parameter a"),
        ("-- param a BLOB: x\nSET VARIABLE a = getvariable('a')::BLOB; SELECT 1", "is of type BLOB; known are VARCHAR"),
        (
            "-- param a VARCHAR: x\nSET VARIABLE a = coalesce(getvariable('a')::VARCHAR, (FROM glob('/x'))); SELECT 1",
            "the function glob is not allowed here",
        ),
        ("SELECT * FROM enable_logging()", "the function enable_logging is not allowed here"),
        ("SELECT FROM WHERE", "syntax error"),
    ],
)
def test_a_file_that_is_no_report_is_named_and_not_run(sql: str, told: str, own: Path, store: Path) -> None:
    report = added(own, sql)
    message = refusal(store, report)
    assert message.startswith(f"{report.path}: ")
    assert told in message


def test_a_column_that_is_not_there_is_told_in_one_line(own: Path, store: Path) -> None:
    message = refusal(store, added(own, "SELECT sit FROM page"))
    assert 'Referenced column "sit" not found' in message
    assert "\n" not in message
