from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from geo_flywheel.errors import ConfigError
from geo_flywheel.estimate import Verdict
from geo_flywheel.estimate.answers import Sweep
from geo_flywheel.estimators.citation_rate import change, over_time, this_basket, this_sweep
from geo_flywheel.store.database import open_store
from geo_flywheel.track import ALL_ENGINES, NO_PROMPTS, NOT_ASKED, OVERLAP, Series, Trajectory, Week, track
from tests.queries.markets import (
    MONDAY,
    Answer,
    Market,
    Page,
    Presence,
    Sighting,
    fill,
    pages,
    random_market,
    week,
)

LATER = week(20)
SITE = "own.example"
PAGES = (*pages("own.example/a", "own.example/b", "rival.example/"), Page("https://blog.own.example/", SITE))
Follow = Callable[..., Trajectory]


@pytest.fixture
def follow(tmp_path: Path) -> Follow:
    """Fill a store and track a site in it."""

    def tracked(market: Market, *, site: str = SITE, statement: str = "") -> Trajectory:
        path = fill(tmp_path / "store.duckdb", market)
        with open_store(path) as store:
            if statement:
                store.connection.execute(statement)
            return track(store, site, LATER)

    return tracked


def sweep(number: int, cited: Sequence[int], repeats: int, engine: str = "alpha", surface: str = "api") -> list[Answer]:
    """The answers of a week: each prompt cited so many times in so many repeats."""
    return [
        Answer(engine, week(number), prompt, (0, 2) if repeat < times else (2,), surface=surface)
        for prompt, times in enumerate(cited)
        for repeat in range(repeats)
    ]


def market(*answers: Answer, sightings: Sequence[Sighting] = ()) -> Market:
    return Market(PAGES, answers, tuple(sightings))


def only(trajectory: Trajectory) -> Series:
    (series,) = trajectory.series
    return series


def named(trajectory: Trajectory, engine: str, surface: str = "api") -> Series:
    (series,) = (s for s in trajectory.series if (s.engine, s.surface) == (engine, surface))
    return series


# Rates


def test_a_week_has_its_counts_its_rate_and_the_interval_over_the_population_of_prompts(follow: Follow) -> None:
    cited = [n % 4 for n in range(20)]
    (found,) = only(follow(market(*sweep(0, cited, 3)))).weeks
    assert (found.week, found.cited, found.asked, found.prompts) == (MONDAY, 30, 60, 20)
    assert found.rate == this_sweep(cited, [3] * 20)
    assert found.rate is not None
    assert found.rate.value == 0.5
    assert found.rate.interval is not None
    assert found.rate.interval.estimand == "this sweep, population of prompts"
    assert found.verdict is None


def test_too_few_prompts_for_the_population_are_still_a_basket(follow: Follow) -> None:
    cited = [0, 1, 2, 3]
    (found,) = only(follow(market(*sweep(0, cited, 3)))).weeks
    assert found.rate == this_basket(cited, [3] * 4)
    assert found.rate is not None
    assert found.rate.interval is not None
    assert found.rate.interval.estimand == "this basket, this sweep"


def test_too_few_answers_for_either_have_a_rate_without_an_interval_and_say_what_is_missing(follow: Follow) -> None:
    (found,) = only(follow(market(*sweep(0, [1, 0], 1)))).weeks
    assert found.rate is not None
    assert (found.rate.value, found.rate.interval) == (0.5, None)
    assert found.reason == "needs 18 more prompts, or 2 repeats of most prompts"


def test_an_answer_that_cites_several_pages_of_the_site_cites_it_once(follow: Follow) -> None:
    several = [Answer("alpha", week(0), 1, (2, 0, 1, 3)), Answer("alpha", week(0), 2, (2,))]
    (found,) = only(follow(market(*several))).weeks
    assert (found.cited, found.asked, found.sightings, found.pages, found.position) == (1, 2, 3, 3, 3.0)


def test_answers_that_failed_were_not_asked_and_refusals_were(follow: Follow) -> None:
    states = ("error", "incomplete", "retired", "refused", "blocked", "not_shown", "ungrounded")
    asks = [Answer("alpha", week(0), n, (0,) if n < 3 else (), status=state) for n, state in enumerate(states)]
    (found,) = only(follow(market(*asks))).weeks
    assert (found.cited, found.asked, found.sightings) == (0, 4, 0)


def test_undated_answers_are_left_out(follow: Follow) -> None:
    undated = [replace(answer, week=None) for answer in sweep(0, [1, 1], 1)]
    series = only(follow(market(*sweep(0, [1, 0], 1), *undated)))
    assert [found.asked for found in series.weeks] == [2]
    assert series.pages == 1


def test_the_rate_over_time_is_of_all_full_weeks(follow: Follow) -> None:
    weeks = [[0, 1, 2, 2, 0], [1, 1, 2, 2, 0], [0, 0, 2, 1, 0], [0, 2, 2, 2, 1], [2, 2, 2, 2, 2]]
    asked = [answer for n, cited in enumerate(weeks) for answer in sweep(20 if n == 4 else n, cited, 2)]
    series = only(follow(market(*asked)))
    full = [[row[n] for row in weeks[:4]] for n in range(5)]
    assert series.overall == over_time(full, [[2] * 4] * 5)
    assert series.unknown == ""
    assert [found.running for found in series.weeks] == [False] * 4 + [True]


def test_a_week_that_is_not_over_is_shown_and_not_judged(follow: Follow) -> None:
    series = only(follow(market(*sweep(19, [0] * 30, 4), *sweep(20, [4] * 30, 4))))
    running = series.weeks[1]
    assert (running.running, running.cited, running.verdict, running.won, running.lost) == (True, 120, None, None, None)
    assert series.overall is not None
    assert series.overall.diagnostics["cited"] == 0


# What the source does not say


def test_where_nothing_says_what_was_asked_there_is_no_rate(follow: Follow) -> None:
    seen = [Sighting("gamma", week(n), page, 1, None, hour=page) for n in range(2) for page in (0, 1)]
    series = only(follow(market(sightings=seen)))
    for found in series.weeks:
        assert (found.rate, found.cited, found.asked, found.prompts) == (None, None, None, None)
        assert (found.sightings, found.pages, found.days, found.reason) == (2, 2, 1, NOT_ASKED)
    assert series.weeks[1].verdict is Verdict.NOT_COMPARABLE
    assert (series.overall, series.unknown) == (None, NOT_ASKED)


def test_one_cell_that_does_not_say_it_takes_the_rate_of_its_week_alone(follow: Follow) -> None:
    seen = [
        Sighting("gamma", week(0), 0, 1, 4, prompt=1),
        Sighting("gamma", week(0), 0, 1, None, prompt=2),
        Sighting("gamma", week(1), 0, 1, 4, prompt=1),
    ]
    first, second = only(follow(market(sightings=seen))).weeks
    assert (first.rate, first.reason) == (None, NOT_ASKED)
    assert (second.cited, second.asked) == (1, 4)
    assert (second.verdict, second.reason) == (Verdict.NOT_COMPARABLE, NOT_ASKED)


def test_sightings_that_say_what_was_asked_have_a_rate(follow: Follow) -> None:
    seen = [
        Sighting("gamma", week(0), 0, 2, 4, prompt=1),
        Sighting("gamma", week(0), 2, 4, 4, prompt=1),
        Sighting("gamma", week(0), None, 0, 4, prompt=2),
    ]
    (found,) = only(follow(market(sightings=seen))).weeks
    assert (found.cited, found.asked, found.prompts) == (2, 8, 2)


def test_counts_of_several_pages_in_one_cell_give_no_rate(follow: Follow) -> None:
    seen = [Sighting("gamma", week(0), page, 1, 4, prompt=1) for page in (0, 1)]
    (found,) = only(follow(market(sightings=seen))).weeks
    assert (found.rate, found.reason, found.sightings) == (None, OVERLAP, 2)


def test_several_pages_in_a_cell_of_one_answer_are_one_answer(follow: Follow) -> None:
    seen = [Sighting("gamma", week(0), page, 1, 1, prompt=1) for page in (0, 1)]
    (found,) = only(follow(market(sightings=seen))).weeks
    assert (found.cited, found.asked) == (1, 1)


def test_without_prompts_there_is_a_share_and_nothing_more(follow: Follow) -> None:
    asks = [replace(answer, prompt=None) for n in range(2) for answer in sweep(n, [n] * 40, 1)]
    first, second = only(follow(market(*asks))).weeks
    assert second.rate is not None
    assert (second.rate.value, second.rate.interval, second.reason) == (1.0, None, NO_PROMPTS)
    assert first.reason == NO_PROMPTS
    assert second.verdict is Verdict.NOT_COMPARABLE


# Against the week before


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ([0] * 25, [4] * 25, Verdict.MOVED_UP),
        ([4] * 25, [0] * 25, Verdict.MOVED_DOWN),
        ([0, 4] * 15, [4, 0] * 15, Verdict.WITHIN_NOISE),
        ([1, 2, 3] * 10, [1, 2, 3] * 10, Verdict.WITHIN_NOISE),
    ],
)
def test_a_movement_is_judged_against_the_noise(
    before: list[int], after: list[int], verdict: Verdict, follow: Follow
) -> None:
    _, found = only(follow(market(*sweep(0, before, 4), *sweep(1, after, 4)))).weeks
    asked = [4] * len(before)
    assert found.verdict is verdict
    assert found.verdict is change(Sweep(before, asked), Sweep(after, asked)).verdict


def test_prompts_won_and_lost_are_of_those_asked_in_both_weeks(follow: Follow) -> None:
    first = sweep(0, [0, 0, 1, 2, 2], 2)
    second = [answer for answer in sweep(1, [1, 2, 0, 2, 0, 2], 2) if answer.prompt != 4]
    _, found = only(follow(market(*first, *second))).weeks
    assert (found.won, found.lost) == (2, 1)


def test_weeks_of_different_models_are_not_compared(follow: Follow) -> None:
    asks = [answer for n in range(3) for answer in sweep(n, [n] * 30, 2)]
    served = "UPDATE answer SET model_served = CASE WHEN asked_at < '2026-01-12' THEN 'm-1' ELSE 'm-2' END"
    first, second, third = only(follow(market(*asks), statement=served)).weeks
    assert (first.models, second.models) == (("m-1",), ("m-2",))
    assert second.verdict is Verdict.NOT_COMPARABLE
    assert second.reason == "the model served changed from m-1 to m-2"
    assert second.rate is not None
    assert third.verdict is Verdict.MOVED_UP


def test_a_week_after_a_gap_is_judged_against_the_last_one_with_answers_and_says_so(follow: Follow) -> None:
    _, found = only(follow(market(*sweep(0, [0] * 25, 4), *sweep(3, [4] * 25, 4)))).weeks
    assert (found.week, found.verdict, found.reason) == (week(3), Verdict.MOVED_UP, f"since {week(0)}")


# Engines and surfaces


def test_engines_of_one_surface_have_a_total_and_surfaces_are_never_pooled(follow: Follow) -> None:
    asks = [
        *sweep(0, [1, 0], 1),
        *sweep(0, [1, 1], 1, engine="beta"),
        *sweep(0, [0, 0], 1, surface="ui_export"),
        *sweep(0, [1, 1, 1], 1, engine="gamma", surface="tracker"),
    ]
    trajectory = follow(market(*asks))
    found = {(s.engine, s.surface): (s.weeks[0].cited, s.weeks[0].asked) for s in trajectory.series}
    assert found == {
        ("alpha", "api"): (1, 2),
        ("alpha", "ui_export"): (0, 2),
        ("beta", "api"): (2, 2),
        ("gamma", "tracker"): (3, 3),
        (ALL_ENGINES, "api"): (3, 4),
    }


def test_a_page_that_two_engines_cite_on_the_same_day_is_one_page_and_one_day(follow: Follow) -> None:
    asks = [Answer("alpha", week(0), 1, (0,)), Answer("beta", week(0), 1, (2, 0)), Answer("beta", week(0), 2, (1,))]
    trajectory = follow(market(*asks))
    total = named(trajectory, ALL_ENGINES).weeks[0]
    assert (total.sightings, total.pages, total.days, total.position) == (3, 2, 1, 1.0)
    assert (named(trajectory, ALL_ENGINES).pages, named(trajectory, "alpha").pages) == (2, 1)


def test_a_week_in_which_an_engine_is_missing_has_no_total(follow: Follow) -> None:
    both = [answer for engine in ("alpha", "beta") for answer in sweep(0, [1, 1], 2, engine=engine)]
    total = named(follow(market(*both, *sweep(1, [1, 1], 2))), ALL_ENGINES)
    first, second = total.weeks
    assert (first.cited, first.asked) == (4, 8)
    assert (second.rate, second.cited, second.asked) == (None, None, None)
    assert second.sightings == 2
    assert (second.verdict, second.reason) == (Verdict.NOT_COMPARABLE, "not asked this week: beta")
    assert (total.overall, total.unknown) == (None, "not asked this week: beta")


def test_the_total_takes_the_same_prompt_of_two_engines_for_one(follow: Follow) -> None:
    asks = [answer for engine in ("alpha", "beta") for answer in sweep(0, [1, 0] * 10, 2, engine=engine)]
    found = named(follow(market(*asks)), ALL_ENGINES).weeks[0]
    assert found.prompts == 20
    assert found.rate == this_sweep([2, 0] * 10, [4] * 20)


# The site


@pytest.mark.parametrize("site", ["own.example", "OWN.example", "www.own.example", "https://blog.own.example/a?b#c"])
def test_a_site_is_named_by_itself_or_any_host_or_address_of_it(site: str, follow: Follow) -> None:
    trajectory = follow(market(*sweep(0, [1, 0], 1)), site=site)
    assert trajectory.site == SITE
    assert only(trajectory).weeks[0].cited == 1


@pytest.mark.parametrize("site", ["", " ", "https://", "not a site", "https://[::"])
def test_what_names_no_site_is_an_error(site: str, follow: Follow) -> None:
    with pytest.raises(ConfigError, match="names no site; write it as example.com"):
        follow(market(*sweep(0, [1], 1)), site=site)


def test_a_site_nobody_cites_was_asked_about_all_the_same(follow: Follow) -> None:
    (found,) = only(follow(market(*sweep(0, [1, 0], 1)), site="nobody.example")).weeks
    assert (found.cited, found.asked, found.sightings, found.position) == (0, 2, 0, None)


def test_an_empty_store_has_no_series(follow: Follow) -> None:
    assert follow(Market()) == Trajectory(SITE, (), ())


def test_training_presence_stands_beside_it_and_unknown_is_not_absent(follow: Follow) -> None:
    told = [
        Presence("c4", "own.example", "host", SITE, "present", 5),
        Presence("c4", "blog.own.example", "host", SITE, "present", 2),
        Presence("dolma", "own.example", "host", SITE, "absent", 0),
        Presence("redpajama", "rival.example", "host", "rival.example", "present", 9),
    ]
    presence = follow(Market(presences=tuple(told))).presence
    assert [(p.corpus, p.state, p.units, p.tokens) for p in presence] == [
        ("c4", "present", 2, 7),
        ("dolma", "absent", 1, 0),
        ("redpajama", "unknown", 0, None),
    ]


# Against a computation of its own


@pytest.mark.parametrize("seed", range(4))
def test_every_week_agrees_with_pandas(seed: int, follow: Follow) -> None:
    drawn = random_market(seed)
    site = drawn.pages[0].site
    expected = _with_pandas(drawn, site)
    trajectory = follow(drawn, site=site)
    found = {
        (series.engine, series.surface, told.week): _told(told) for series in trajectory.series for told in series.weeks
    }
    assert found == expected
    assert len({surface for _, surface, _ in found}) == 2


def _told(told: Week) -> tuple[object, ...]:
    return told.cited, told.asked, told.sightings, told.pages, told.days, told.position


def _with_pandas(drawn: Market, site: str) -> dict[tuple[str, str, object], tuple[object, ...]]:
    own = {number for number, page in enumerate(drawn.pages) if page.site == site}
    answers = pd.DataFrame(
        {
            "engine": answer.engine,
            "surface": answer.surface,
            "week": answer.week,
            "pages": frozenset(own & set(answer.cited)),
            "positions": [place for place, page in enumerate(answer.cited, 1) if page in own],
        }
        for answer in drawn.answers
        if answer.delivered and answer.week
    )
    asked = answers.assign(here=answers.groupby(["surface", "week"])["engine"].transform("nunique"))
    asked["known"] = asked["here"] == asked.groupby("surface")["engine"].transform("nunique")
    cells = pd.concat([asked.assign(known=True), asked.assign(engine=ALL_ENGINES)])
    grouped = cells.groupby(["engine", "surface", "week"])
    return {(str(engine), str(surface), monday): _cell(cell) for (engine, surface, monday), cell in grouped}


def _cell(cell: pd.DataFrame) -> tuple[object, ...]:
    cited = cell[cell["pages"].map(len) > 0]
    seen = frozenset[int]().union(*cited["pages"])
    positions = cited["positions"].explode()
    counts = (len(cited), len(cell)) if cell["known"].all() else (None, None)
    middle = None if positions.empty else float(positions.median())
    return *counts, len(positions), len(seen), int(len(seen) > 0), middle
