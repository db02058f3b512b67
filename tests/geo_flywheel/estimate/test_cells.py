import numpy as np
import pandas as pd
import pytest

from geo_flywheel.errors import EstimateError
from geo_flywheel.estimate.cells import CITATION, ENGAGEMENT, PRESENCE, Cells, cells_of
from geo_flywheel.estimate.transitions import LEAST_TRANSITIONS, transitions_of
from geo_flywheel.panel import checked


def rows(pages: int = 2, weeks: int = 12, **columns: object) -> pd.DataFrame:
    """Pages of one site each that are seen every week, more from week to week."""
    page, week = np.divmod(np.arange(pages * weeks), weeks)
    frame = pd.DataFrame({"page_id": page, "site_id": page, "topic": 0, "period": week, "asked_a": 40, "asked_b": 20})
    for n, name in enumerate(("cited", "presence", "engagement"), start=1):
        frame[f"{name}_a"], frame[f"{name}_b"] = n + week, 2 * n + page
    return frame.assign(**columns)  # type: ignore[arg-type]


def cells(frame: pd.DataFrame) -> Cells:
    return cells_of(checked(frame))


def test_citations_are_a_rate_of_the_answers_and_the_others_what_they_are() -> None:
    found = cells(rows())
    assert found.levels[3, :, CITATION].tolist() == [4 / 40, 2 / 20]
    assert found.levels[3, :, PRESENCE].tolist() == [5, 4]
    assert found.levels[3, :, ENGAGEMENT].tolist() == [6, 6]
    assert found.counts[3, :, CITATION].tolist() == [4, 2]


@pytest.mark.parametrize("column", ["presence_a", "engagement_b", "asked_a", "asked_b", "cited_b"])
def test_a_week_of_which_anything_is_missing_is_left_out_and_is_not_zero(column: str) -> None:
    frame = rows()
    frame[column] = frame[column].astype("float64")
    frame.loc[5, column] = np.nan if not column.startswith("asked") else 0
    if column.startswith("asked"):
        frame.loc[5, "cited" + column[-2:]] = 0
    found = cells(frame)
    assert len(found.period) == 23
    assert found.left_out["cells_missing"] == 1
    assert transitions_of(found).lengths.tolist() == [9, 11]


def test_a_gap_takes_two_pairs_and_no_transition_leads_over_it() -> None:
    frame = rows(weeks=14)
    found = transitions_of(cells(frame[frame["period"] != 6]))
    assert found.lengths.tolist() == [11, 11]
    assert 5 not in found.time
    assert 6 not in found.time


def test_a_page_shut_by_its_robots_is_no_longer_at_risk() -> None:
    found = cells(rows(robots_allowed=[True] * 12 + [True] * 9 + [False] * 3))
    assert found.left_out["cells_shut_by_robots"] == 3
    assert len(found.period) == 21


def test_engines_are_pooled_and_one_that_was_missed_makes_the_week_missing() -> None:
    one, two = rows(engine="one"), rows(engine="two", asked_a=10, cited_a=1, presence_a=2)
    two = two[~((two["page_id"] == 0) & (two["period"] == 4))]
    found = cells(pd.concat([one, two]))
    assert len(found.period) == 23
    assert found.levels[0, 0, CITATION] == pytest.approx((1 + 1) / 50)
    assert found.levels[0, 0, PRESENCE] == 2 + 2  # differs by engine: summed
    assert found.levels[0, 1, PRESENCE] == 4  # the same in every engine's row: told of the page
    assert found.left_out["engines"] == 2


def test_an_engine_asked_in_few_weeks_is_left_out_rather_than_all_weeks_without_it() -> None:
    late = rows(engine="late")
    found = cells(pd.concat([rows(engine="one"), late[late["period"] >= 9]]))
    assert len(found.period) == 24
    assert found.left_out["engines_left_out"] == 1
    assert found.levels[0, 0, CITATION] == 1 / 40


def test_an_absent_half_is_an_error_that_names_it() -> None:
    with pytest.raises(EstimateError, match="no column engagement_b"):
        cells(rows().drop(columns="engagement_b"))


def test_each_half_is_in_units_of_its_own_mean_over_the_pages_weeks() -> None:
    found = transitions_of(cells(rows()))
    first = found.page == 0
    together = np.concatenate([found.before[first], found.after[first][-1:]])
    np.testing.assert_allclose(together.mean(axis=0), 1)
    np.testing.assert_allclose(found.after[first][:-1], found.before[first][1:])


def test_pages_never_cited_are_counted_and_left_out() -> None:
    found = transitions_of(cells(rows(3, cited_a=[0] * 12 + [1] * 24)))
    assert len(found.weight) == 2
    assert found.left_out["pages_never_cited"] == 1
    assert found.left_out["pages_without_presence"] == 0


def test_pages_weigh_less_the_more_of_their_counts_is_noise() -> None:
    counts = dict.fromkeys(("presence_a", "presence_b", "cited_a", "cited_b", "engagement_a", "engagement_b"), 4)
    found = transitions_of(cells(rows(**counts)))
    np.testing.assert_allclose(found.weight, (1 + 1 / 8 / 0.15) ** -2)
    rich = transitions_of(cells(rows(**{**counts, "presence_a": 4_000, "engagement_a": 4_000})))
    assert (rich.weight > found.weight).all()


def test_pages_with_a_short_life_are_counted_and_left_out() -> None:
    frame = rows()
    short = frame[(frame["page_id"] == 0) | (frame["period"] < LEAST_TRANSITIONS)]
    found = transitions_of(cells(short))
    assert found.left_out["pages_too_short"] == 1
    assert len(found.weight) == 1


def test_when_a_page_was_first_seen_is_told_in_periods_of_the_window() -> None:
    dated = rows(period=pd.Timestamp("2026-01-05") + pd.to_timedelta(7 * (np.arange(24) % 12), "D"))
    found = transitions_of(cells(dated.assign(first_seen=pd.Timestamp("2025-12-24"))))
    assert found.entered.tolist() == [-2, -2]
    assert transitions_of(cells(rows(first_seen=-7))).entered.tolist() == [-7, -7]
    assert np.isnan(transitions_of(cells(rows())).entered).all()
