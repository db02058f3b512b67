from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geo_flywheel.errors import ConfigError, EstimateError
from geo_flywheel.panel import checked, read_panel


def rows(**columns: object) -> pd.DataFrame:
    """Two pages of two sites in three weeks."""
    frame = pd.DataFrame({
        "page_id": ["a", "a", "a", "b", "b", "b"], "site_id": ["x"] * 3 + ["y"] * 3, "topic": ["t"] * 3 + ["u"] * 3,
        "period": [1, 2, 3, 1, 2, 3], "asked_a": 10, "cited_a": [1, 2, 0, 3, 10, 4],
    })  # fmt: skip
    return frame.assign(**columns)  # type: ignore[arg-type]


def test_rows_are_sorted_by_page_and_period_and_their_order_changes_no_digest() -> None:
    shuffled = rows().sample(frac=1, random_state=3)
    assert checked(shuffled).frame.equals(checked(rows()).frame)
    assert checked(shuffled).digest == checked(rows()).digest
    assert checked(rows(cited_a=1)).digest != checked(rows()).digest


def test_dates_become_numbers_of_weeks_so_that_adjacent_mondays_differ_by_one() -> None:
    weeks = ["2025-12-29", "2026-01-05", "2026-01-12"]
    for days in (weeks * 2, pd.to_datetime(weeks * 2), [date.fromisoformat(week) for week in weeks * 2]):
        found = checked(rows(period=days)).frame["period"]
        assert found.tolist()[:3] == [2921, 2922, 2923]
    sundays = checked(rows(period=["2026-01-11", "2026-01-18", "2026-01-25"] * 2)).frame["period"]
    assert sundays.tolist()[:3] == [2922, 2923, 2924]


def test_numeric_columns_are_taken_as_they_are() -> None:
    panel = checked(rows(presence_a=[0.5, 1.25, np.nan] * 2))
    assert panel.frame["presence_a"].tolist()[:2] == [0.5, 1.25]
    assert np.isnan(panel.frame["presence_a"].iloc[2])


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"cited_a": 11}, "cited_a 11 of asked_a 10"),
        ({"cited_a": -1}, "below 0"),
        ({"presence_a": np.inf}, "without bound"),
        ({"presence_a": "many"}, "is not numeric"),
        ({"period": 1}, "two rows of the panel are for a, 1"),
        ({"period": 1.5}, "not whole"),
        ({"period": None}, "missing or no number"),
        ({"period": "soon"}, "neither a number nor an ISO 8601 date"),
    ],
)
def test_what_cannot_be_a_panel_is_refused_and_told(columns: dict[str, object], said: str) -> None:
    with pytest.raises(EstimateError, match=said):
        checked(rows(**columns))


def test_an_absent_key_is_named() -> None:
    with pytest.raises(EstimateError, match="no column topic"):
        checked(rows().drop(columns="topic"))


def test_a_page_may_have_one_row_per_engine_in_a_week() -> None:
    twice = pd.concat([rows(engine="e"), rows(engine="f")])
    assert len(checked(twice).frame) == 12
    with pytest.raises(EstimateError, match="two rows of the panel are for a, e, 1"):
        checked(pd.concat([twice, rows(engine="e")]))


def test_an_estimator_that_needs_a_column_is_told_which_is_absent() -> None:
    with pytest.raises(EstimateError, match="no column presence_a, presence_b"):
        checked(rows()).need("cited_a", "presence_a", "presence_b")


def test_the_rows_of_a_site_or_an_engine_and_the_market_around_a_site() -> None:
    panel = checked(pd.concat([rows(engine="e"), rows(engine="f")]), "risk set")
    assert set(panel.of(site="x", engine="f").frame["page_id"]) == {"a"}
    assert panel.of(site="x").origin == "risk set"
    assert panel.of(site="x").digest != panel.digest
    assert set(panel.around("y").frame["topic"]) == {"u"}
    assert panel.of() is panel
    with pytest.raises(EstimateError, match="site_id z"):
        panel.of(site="z")
    with pytest.raises(EstimateError, match="did you mean example.com?"):
        checked(rows(site_id="example.com")).around("example.co")


def test_a_parquet_and_a_csv_file_hold_the_same_panel(tmp_path: Path) -> None:
    rows().to_parquet(tmp_path / "p")
    rows().to_csv(tmp_path / "c", index=False)
    assert read_panel(tmp_path / "p").digest == read_panel(tmp_path / "c").digest


def test_a_file_that_holds_none_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"PAR1 no more")
    (tmp_path / "other").write_text("a,b\n1,2\n", encoding="utf-8")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    for name in ("broken", "empty", "binary", "missing"):
        with pytest.raises(ConfigError, match=name):
            read_panel(tmp_path / name)
    with pytest.raises(EstimateError, match="other"):
        read_panel(tmp_path / "other")
