from tests.queries.markets import TODAY, Answer, Ask, Market, Sighting, pages, week

PAGES = pages("a.example/", "b.example/", "c.example/")
A, B, C = range(3)


def changes(rows: list[dict[str, object]]) -> set[tuple[object, ...]]:
    return {(row["change"], row["unit"], row["asked"]) for row in rows if row["kind"] == "site"}


def test_a_page_cited_again_is_no_change(ask: Ask) -> None:
    market = Market(PAGES, tuple(Answer("alpha", week(w), 1, (A,)) for w in range(2)))
    assert ask(market, "new_and_lost") == []


def test_what_left_and_what_came_where_the_prompt_was_asked_in_both(ask: Ask) -> None:
    told = [Answer("alpha", week(0), 1, (A,)), *(Answer("alpha", week(1), 1, (B,)) for _ in range(2))]
    rows = ask(Market(PAGES, tuple(told)), "new_and_lost")
    assert changes(rows) == {("lost", "a.example", 2), ("new", "b.example", 1)}
    assert {(row["week"], row["before"], row["kind"]) for row in rows} == {
        (week(1), week(0), "page"),
        (week(1), week(0), "site"),
    }


def test_what_was_not_asked_is_neither_lost_nor_new(ask: Ask) -> None:
    told = (Answer("alpha", week(0), 1, (A,)), Answer("alpha", week(1), 2, (B,)))
    rows = ask(Market(PAGES, told), "new_and_lost")
    assert changes(rows) == {("not asked", "a.example", 0), ("not asked before", "b.example", 0)}


def test_an_answer_that_failed_is_no_asking(ask: Ask) -> None:
    told = (
        Answer("alpha", week(0), 1, (A,)),
        Answer("alpha", week(1), 1, (), status="error"),
        Answer("alpha", week(1), 2, (A, C)),
        Answer("alpha", week(0), 2, (C,)),
        Answer("alpha", week(0), 1, (B,)),
    )
    rows = ask(Market(PAGES, told), "new_and_lost")
    assert changes(rows) == {("not asked", "b.example", 0)}


def test_without_denominators_it_is_lost_and_says_what_is_not_known(ask: Ask) -> None:
    seen = (Sighting("alpha", week(0), A, 1, None), Sighting("alpha", week(1), B, 1, None))
    rows = ask(Market(PAGES, sightings=seen), "new_and_lost")
    assert changes(rows) == {("lost", "a.example", None), ("new", "b.example", None)}
    assert {row["note"] for row in rows} == {"the source does not say what was asked"}


def test_sweeps_are_compared_across_a_week_without_one(ask: Ask) -> None:
    market = Market(PAGES, (Answer("alpha", week(0), 1, (A,)), Answer("alpha", week(3), 1, (B,))))
    assert {(row["week"], row["before"]) for row in ask(market, "new_and_lost")} == {(week(3), week(0))}


def test_only_the_last_finished_week_is_shown_until_since_asks_for_more(ask: Ask) -> None:
    told = tuple(Answer("alpha", week(w), 1, (w % 3,)) for w in range(7))
    market = Market(PAGES, told)
    assert {row["week"] for row in ask(market, "new_and_lost")} == {week(5)}
    rows = ask(market, "new_and_lost", since=week(4))
    assert {(row["week"], row["running"]) for row in rows} == {(week(4), False), (week(5), False), (week(6), True)}
    assert week(6) <= TODAY


def test_one_site_is_shown_alone_and_the_other_sites_change_nothing(ask: Ask) -> None:
    told = [Answer("alpha", week(0), 1, (A,)), Answer("alpha", week(1), 1, (B,))]
    rows = ask(Market(PAGES, tuple(told)), "new_and_lost", only_site="a.example")
    assert {(row["change"], row["kind"], row["unit"]) for row in rows} == {
        ("lost", "page", "https://a.example/"),
        ("lost", "site", "a.example"),
    }
