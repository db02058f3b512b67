"""Rates that are not invented, weeks that are not over, pages that are not known."""

from datetime import date

import pytest

from tests.queries.markets import Answer, Ask, Market, Page, Presence, Sighting, pages, week

PAGES = pages("a.example/1", "a.example/2", "b.example/")
RATED = ["site_trajectory", "citation_share", "presence_and_citations"]


@pytest.mark.parametrize("name", RATED)
def test_where_nothing_says_what_was_asked_there_are_counts_and_no_rate(name: str, ask: Ask) -> None:
    market = Market(PAGES, sightings=(Sighting("alpha", week(0), 0, 3, None),))
    (row,) = ask(market, name, site="a.example")
    assert (row["cited"], row["asked"], row["rate"]) == (3, None, None)
    assert row["note"] == "the source does not say what was asked"


@pytest.mark.parametrize("name", RATED)
def test_one_cell_without_a_denominator_takes_the_rate_of_its_sum(name: str, ask: Ask) -> None:
    seen = (Sighting("alpha", week(0), 0, 1, 4, hour=1), Sighting("alpha", week(0), 0, 1, None, hour=2))
    (row,) = ask(Market(PAGES, sightings=seen), name, site="a.example")
    assert (row["cited"], row["asked"], row["rate"]) == (2, None, None)


@pytest.mark.parametrize("name", RATED)
def test_pages_of_one_site_that_may_share_answers_have_no_rate(name: str, ask: Ask) -> None:
    seen = (Sighting("alpha", week(0), 0, 2, 4, prompt=1), Sighting("alpha", week(0), 1, 1, 4, prompt=1))
    (row,) = ask(Market(PAGES, sightings=seen), name, site="a.example")
    assert (row["cited"], row["asked"], row["rate"]) == (2, 4, None)
    assert row["note"] == "cited by 2 to 3 answers: pages may share them"


@pytest.mark.parametrize("name", RATED)
def test_a_site_cited_by_several_pages_of_one_answer_is_cited_once(name: str, ask: Ask) -> None:
    market = Market(PAGES, (Answer("alpha", week(0), 1, (0, 1)), Answer("alpha", week(0), 1)))
    (row,) = ask(market, name, site="a.example")
    assert (row["cited"], row["asked"], row["rate"]) == (1, 2, 0.5)


def test_counts_of_one_page_have_a_rate(ask: Ask) -> None:
    seen = (Sighting("alpha", week(0), 0, 2, 4, prompt=1), Sighting("alpha", week(0), 2, 4, 4, prompt=1))
    rows = {row["site"]: row for row in ask(Market(PAGES, sightings=seen), "citation_share")}
    assert (rows["a.example"]["rate"], rows["b.example"]["rate"]) == (0.5, 1.0)


def test_a_week_asked_without_a_citation_is_a_rate_of_zero(ask: Ask) -> None:
    told = tuple(Answer("alpha", week(0), prompt, (2,)) for prompt in (1, 1, 2, 2))
    (row,) = ask(Market(PAGES, told), "site_trajectory", site="a.example")
    assert (row["cited"], row["asked"], row["rate"], row["low"]) == (0, 4, 0.0, 0.0)
    assert 0.3 < row["high"] < 1


def test_surfaces_are_never_pooled(ask: Ask) -> None:
    told = (Answer("alpha", week(0), 1, (0,)), Answer("alpha", week(0), 1, surface="ui_export"))
    rows = ask(Market(PAGES, told), "site_trajectory", site="a.example")
    assert {(row["surface"], row["rate"]) for row in rows} == {("api", 1.0), ("ui_export", 0.0)}


def test_the_running_week_is_marked_and_undated_answers_are_in_no_week(ask: Ask) -> None:
    told = tuple(Answer("alpha", monday, 1, (0,)) for monday in (week(5), week(6), None))
    rows = ask(Market(PAGES, told), "site_trajectory", site="a.example")
    assert [(row["week"], row["running"], row["asked"]) for row in rows] == [(week(5), False, 1), (week(6), True, 1)]


def test_undated_answers_count_until_a_period_is_named(ask: Ask) -> None:
    market = Market(PAGES, (Answer("alpha", week(0), 1, (0,)), Answer("alpha", None, 1, (0,))))
    (everything,) = ask(market, "citation_share")
    (dated,) = ask(market, "citation_share", since="2026-01-08")
    assert (everything["asked"], dated["asked"]) == (2, 1)
    assert ask(market, "citation_share", since="2026-01-12") == []


def test_a_redirect_nobody_followed_counts_for_its_site_and_is_no_page(ask: Ask) -> None:
    shown = (Page("https://redirect.example/x", "a.example", resolved=False), *pages("b.example/"))
    market = Market(shown, (Answer("alpha", week(0), 1, (0, 1)),))
    assert {row["site"] for row in ask(market, "citation_share")} == {"a.example", "b.example"}
    assert [row["url"] for row in ask(market, "top_pages")] == ["https://b.example/"]
    (row,) = ask(market, "site_trajectory", site="a.example")
    assert (row["cited"], row["sightings"], row["pages"]) == (1, 1, 0)


def test_retrieval_is_never_a_citation(ask: Ask) -> None:
    market = Market(PAGES, tuple(Answer("alpha", week(0), 1, (2,), retrieved=(0,)) for _ in range(5)))
    (row,) = ask(market, "site_trajectory", site="a.example")
    assert row["cited"] == 0
    (row,) = ask(market, "retrieved_not_cited")
    assert (row["url"], row["retrieved"], row["rate"]) == ("https://a.example/1", 5, 0.0)


def test_a_corpus_that_does_not_name_a_site_does_not_say_it_is_absent(ask: Ask) -> None:
    held = (
        Presence("one", "a.example", "site", "a.example", "absent"),
        Presence("two", "b.example", "site", "b.example", "present", 5),
    )
    market = Market(PAGES, (Answer("alpha", week(0), 1, (0, 2)),), presences=held)
    rows = ask(market, "training_presence", site="a.example")
    assert [(row["corpus"], row["state"], row["tokens"]) for row in rows] == [
        ("one", "absent", None),
        ("two", "unknown", None),
    ]
    beside = {(row["site"], row["corpus"]): row["state"] for row in ask(market, "presence_and_citations")}
    assert beside == {
        ("a.example", "one"): "absent",
        ("a.example", "two"): "unknown",
        ("b.example", "one"): "unknown",
        ("b.example", "two"): "present",
    }


def test_hosts_of_a_site_are_summed_unless_the_site_has_a_row_of_its_own(ask: Ask) -> None:
    held = (
        Presence("hosts", "x.a.example", "host", "a.example", "present", 2),
        Presence("hosts", "y.a.example", "host", "a.example", "present", 3),
        Presence("whole", "a.example", "site", "a.example", "present", 9, date(2026, 1, 2)),
        Presence("whole", "a.example", "site", "a.example", "present", 7, date(2026, 1, 1)),
        Presence("whole", "x.a.example", "host", "a.example", "present", 4),
    )
    rows = ask(Market(PAGES, (Answer("alpha", week(0), 1, (0,)),), presences=held), "presence_and_citations")
    assert [(row["corpus"], row["tokens"], row["hosts"]) for row in rows] == [("hosts", 5, 2), ("whole", 9, 0)]


def test_a_site_that_is_never_cited_is_shown_when_asked_for(ask: Ask) -> None:
    market = Market(PAGES, (Answer("alpha", week(0), 1, (2,)),))
    (row,) = ask(market, "presence_and_citations", only_site="a.example")
    assert (row["site"], row["cited"], row["rate"], row["corpus"]) == ("a.example", 0, 0.0, None)


def test_what_went_wrong_is_counted_where_it_went_wrong(ask: Ask) -> None:
    told = (
        *(Answer("alpha", week(0), 1, (0,), status=status, skipped_blocks=2) for status in ("grounded", "error")),
        *(Answer("alpha", week(0), 1, status=status) for status in ("ungrounded", "refused", "incomplete", "retired")),
        Answer("alpha", None, 1, (0,)),
    )
    rows = ask(Market(PAGES, told, failed=("openai", "openai")), "crawl_health")
    undated, dated, failed = rows
    assert (undated["week"], undated["answers"]) == (None, 1)
    assert [dated[name] for name in ("answers", "delivered", "grounded", "ungrounded", "errors", "retired")] == [
        6,
        3,
        1,
        1,
        1,
        1,
    ]
    assert dated["ungrounded_share"] == pytest.approx(1 / 3)
    assert dated["skipped_blocks"] == 4
    assert (failed["provider"], failed["engine"], failed["failed_readings"]) == ("openai", None, 2)


def graded(rows: list[dict[str, object]]) -> dict[object, tuple[object, object]]:
    return {row["criterion"]: (row["value"], row["passed"]) for row in rows if row["engine"] == "alpha"}


def test_a_full_basket_of_eight_weeks_is_decision_grade(ask: Ask) -> None:
    told = tuple(
        Answer(engine, week(w - 3), prompt, (0,))
        for engine in ("alpha", "beta", "gamma")
        for w in range(8)
        for prompt in range(50)
        for _ in range(4 if engine == "alpha" and w < 5 else 1)
    )
    rows = ask(Market(PAGES, told), "decision_grade")
    assert graded(rows) == {
        "prompts": (50.0, True),
        "repeats": (4.0, True),
        "engines": (3.0, True),
        "weeks": (8.0, True),
        "cadence_days": (7.0, True),
        "denominators_known": (1.0, True),
    }
    assert {row["next_step"] for row in rows if row["passed"]} == {None}


def test_thin_data_fail_and_say_what_to_do(ask: Ask) -> None:
    market = Market(PAGES, sightings=tuple(Sighting("alpha", week(w), 0, 1, None) for w in (0, 2, 6)))
    rows = ask(market, "decision_grade")
    assert graded(rows) == {
        "prompts": (0.0, False),
        "repeats": (None, False),
        "engines": (1.0, False),
        "weeks": (2.0, False),
        "cadence_days": (14.0, False),
        "denominators_known": (0.0, False),
    }
    assert all(row["next_step"] for row in rows)


def test_a_changed_basket_is_no_volatility(ask: Ask) -> None:
    told = (
        Answer("alpha", week(0), 1, (0,)),
        Answer("alpha", week(0), 2, (2,)),
        Answer("alpha", week(1), 1, (0,)),
        Answer("alpha", week(1), 3, (2, 1)),
    )
    (row,) = ask(Market(PAGES, told), "volatility")
    assert (row["prompts"], row["jaccard"], row["bray_curtis"]) == (1, 1.0, 0.0)


def test_bray_curtis_by_hand(ask: Ask) -> None:
    told = (Answer("alpha", week(0), 1, (0, 2)), Answer("alpha", week(1), 1, (0,)), Answer("alpha", week(1), 1, (0, 1)))
    (row,) = ask(Market(PAGES, told), "volatility")
    assert (row["jaccard"], row["bray_curtis"]) == (0.5, 0.5)
