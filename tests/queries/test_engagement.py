"""Engagement is told source by source: nothing is added up that is not one thing."""

from datetime import date

from tests.queries.markets import Ask, Engagement, Market

OWN = "own.example"
A, B = f"https://{OWN}/a", f"https://{OWN}/b"
DAYS = [date(2026, 2, day) for day in (1, 2, 3)]


def seen(unit: str, day: date, value: float, metric: str = "sessions", **more: object) -> Engagement:
    given: dict[str, object] = {"source": "ga4", "assistant": "ChatGPT", "attribution": "source"} | more
    return Engagement(unit=unit, site=OWN, day=day, metric=metric, value=value, **given)  # type: ignore[arg-type]


def test_flows_are_summed_over_days_and_levels_are_as_they_stood_last(ask: Ask) -> None:
    market = Market(
        engagements=(
            seen(A, DAYS[0], 3),
            seen(A, DAYS[1], 4),
            seen(A, DAYS[0], 9, "points", kind="level", source="hackernews"),
            seen(A, DAYS[2], 7, "points", kind="level", source="hackernews"),
        )
    )
    flow, level = ask(market, "engagement", site=OWN)
    assert (flow["value"], flow["days"], flow["first_day"], flow["last_day"]) == (7, 2, DAYS[0], DAYS[1])
    assert (level["value"], level["of_site"], level["last_day"]) == (7, None, DAYS[2])


def test_nothing_is_added_up_over_sources_metrics_attributions_or_assistants(ask: Ask) -> None:
    apart: tuple[dict[str, object], ...] = (
        {},
        {"source": "plausible"},
        {"metric": "pageviews"},
        {"attribution": "channel"},
        {"assistant": "Claude"},
        {"assistant": None},
        {"kind": "level", "metric": "points"},
    )
    market = Market(engagements=tuple(seen(A, DAYS[0], 1.0, **more) for more in apart))  # type: ignore[arg-type]
    found = ask(market, "engagement", site=OWN)
    assert len(found) == len(apart)
    assert {row["value"] for row in found} == {1.0}
    assert [row["of_site"] for row in found if row["kind"] == "flow"] == [1.0] * 6


def test_of_site_is_the_flow_over_all_units_also_those_that_are_not_shown(ask: Ask) -> None:
    rest = seen(OWN, DAYS[0], 2, unit_kind="host")
    market = Market(engagements=(seen(A, DAYS[0], 5), seen(B, DAYS[0], 1), rest))
    [row] = ask(market, "engagement", site=OWN, top=1)
    assert (row["unit"], row["value"], row["of_site"]) == (A, 5, 8)


def test_what_was_left_out_is_told_and_what_nobody_says_is_unknown(ask: Ask) -> None:
    def partial(*said: bool | None) -> object:
        market = Market(engagements=tuple(seen(A, day, 1, partial=p) for day, p in zip(DAYS, said, strict=False)))
        [row] = ask(market, "engagement", site=OWN)
        return row["partial"]

    assert partial(False, False) is False
    assert partial(False, True, None) is True
    assert partial(False, None) is None


def test_ways_of_counting_are_counted_and_the_newest_is_told(ask: Ask) -> None:
    market = Market(engagements=(seen(A, DAYS[0], 1, rule="old"), seen(A, DAYS[1], 1, rule="new")))
    [row] = ask(market, "engagement", site=OWN)
    assert (row["rules"], row["newest_rule"]) == (2, "new")


def test_days_other_sites_and_other_sources_are_left_out(ask: Ask) -> None:
    stranger = Engagement("ga4", "https://x.example/", "x.example", DAYS[1], "sessions", 5)
    captures = seen(A, DAYS[1], 5, "page_captures", attribution="index query")  # of a crawl, not of people
    others = seen(A, DAYS[1], 9, source="matomo"), stranger, captures
    market = Market(engagements=(*(seen(A, day, 1) for day in DAYS), *others))
    [row] = ask(market, "engagement", site=OWN, since=DAYS[1], until=DAYS[1], only_source="ga4")
    assert (row["value"], row["unit"]) == (1, A)
