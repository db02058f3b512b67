"""What a site permits and which of its pages filters would take, on stores written out as plain rows."""

from dataclasses import replace

from tests.queries.markets import Answer, Ask, Fetched, Market, Permission, Sighting, pages, week

_SITE = {"site": "own.example"}
_HOST, _PAGE = "www.own.example", "https://www.own.example/x"
_BANNED = Permission("robots", _HOST, "training", "disallowed", "GPTBot", "User-agent: GPTBot; Disallow: /")
_ALLOWED = replace(_BANNED, state="allowed", value="User-agent: *; Allow: /")
_NO_TRAINING = Permission("content_signal", _HOST, "training", "disallowed", None, "ai-train=no")
_SHORT = ("gopher_quality", "words", False, 12.0, 50.0, 1e5)
_COOKIES = ("c4", "line_policy", False, 0.5, None, 0.0)


def _told(ask: Ask, *permissions: Permission, **values: object) -> list[tuple[object, ...]]:
    rows = ask(Market(permissions=permissions), "permission_audit", **_SITE, **values)
    return [(row["unit"], row["signal"], row["agent"], row["state"], row["since"]) for row in rows]


def test_a_state_holds_since_it_was_first_seen_after_another_one(ask: Ask) -> None:
    seen = [replace(_BANNED, week=0), replace(_ALLOWED, week=1), replace(_BANNED, week=2), replace(_BANNED, week=3)]
    assert _told(ask, *seen) == [(_HOST, "robots", "GPTBot", "disallowed", week(2))]


def test_only_what_a_signal_said_last_stands(ask: Ask) -> None:
    gone = Permission("meta_robots", _PAGE, "search_index", "disallowed", None, "noindex", 0, "page")
    now = Permission("meta_robots", _PAGE, "any", "not_stated", None, None, 1, "page")
    assert _told(ask, gone, now) == []
    assert _told(ask, gone) == [(_PAGE, "meta_robots", None, "disallowed", week(0))]


def test_a_page_is_an_exception_of_its_host_while_both_were_seen_together(ask: Ask) -> None:
    page = replace(_ALLOWED, unit=_PAGE, unit_kind="page")
    together = _told(ask, _BANNED, page)
    assert [unit for unit, *_ in together] == [_HOST, _PAGE]
    assert [unit for unit, *_ in _told(ask, _BANNED, page, replace(_BANNED, week=1))] == [_HOST]


def test_what_could_not_be_read_is_unknown_and_no_permission(ask: Ask) -> None:
    unreadable = replace(_BANNED, state="unknown", value="HTTP 503: RFC 9309 forbids everything until it can be read")
    assert _told(ask, replace(_ALLOWED, week=0), replace(unreadable, week=1)) == [
        (_HOST, "robots", "GPTBot", "unknown", week(1))
    ]


def test_signals_that_say_the_opposite_contradict_each_other(ask: Ask) -> None:
    rows = ask(Market(permissions=(_ALLOWED, _NO_TRAINING)), "permission_audit", **_SITE)
    assert {row["signal"]: row["contradicted_by"] for row in rows} == {
        "robots": "content_signal",
        "content_signal": "robots",
    }


def test_what_is_allowed_by_default_and_other_purposes_hosts_and_agents_contradict_nothing(ask: Ask) -> None:
    default = replace(_ALLOWED, value="no group is for it: RFC 9309 allows everything")
    for other in (
        default,
        replace(_ALLOWED, purpose="search_index"),
        replace(_ALLOWED, unit="shop.own.example"),
        replace(_BANNED, value="User-agent: GPTBot; Disallow: /"),
    ):
        rows = ask(Market(permissions=(other, _NO_TRAINING)), "permission_audit", **_SITE)
        assert [row["contradicted_by"] for row in rows] == [None, None]
    tagged = Permission("x_robots_tag", _HOST, "training", "disallowed", "CCBot", "ccbot: noai")
    rows = ask(Market(permissions=(_ALLOWED, tagged)), "permission_audit", **_SITE)
    assert [row["contradicted_by"] for row in rows] == [None, None]


def test_an_agent_is_told_what_is_said_to_it_and_to_all(ask: Ask) -> None:
    other = replace(_BANNED, agent="CCBot")
    told = _told(ask, _BANNED, other, _NO_TRAINING, agent="gptbot")
    assert [(signal, agent) for _, signal, agent, *_ in told] == [("content_signal", None), ("robots", "GPTBot")]
    assert _told(ask, _BANNED, _NO_TRAINING, purpose="search_index") == []


def test_other_sites_stay_out(ask: Ask) -> None:
    assert _told(ask, replace(_BANNED, unit="www.rival.example")) == []


def test_a_page_has_a_row_per_rule_it_fails_beside_its_citations(ask: Ask) -> None:
    market = Market(
        pages=pages("own.example/a", "own.example/b"),
        answers=(Answer("alpha", week(0), 0, (1,)), Answer("beta", week(0), 0, (1,))),
        sightings=(Sighting("gamma", week(0), 1, 3, None),),
        fetched=(Fetched(0, 900), Fetched(1, 12, (_SHORT, _COOKIES, ("c4", "sentences", True, 9.0, 5.0, None)))),
    )
    rows = ask(market, "page_readiness", only_site="own.example")
    columns = ("page", "cited", "engines", "rule", "loses", "value", "limit_value", "limit_kind", "problem")
    assert [tuple(row[name] for name in columns) for row in rows] == [
        ("https://own.example/b", 5, 3, "words", "page", 12.0, 50.0, "least", None),
        ("https://own.example/b", 5, 3, "line_policy", "lines", 0.5, 0.0, "most", None),
        ("https://own.example/a", 0, 0, None, None, None, None, None, "fails none"),
    ]
    only = ask(market, "page_readiness", rule_set="c4")
    assert [row["rule"] for row in only] == ["line_policy", None]


def test_a_page_is_judged_as_it_was_fetched_last(ask: Ask) -> None:
    market = Market(pages=pages("own.example/a"), fetched=(Fetched(0, 12, (_SHORT,)), Fetched(0, 400, week=1)))
    assert [(row["words"], row["problem"]) for row in ask(market, "page_readiness")] == [(400, "fails none")]


def test_a_page_that_could_not_be_read_fails_nothing_and_passes_nothing(ask: Ask) -> None:
    market = Market(pages=pages("own.example/a", "own.example/b"), fetched=(Fetched(0, 0, status=404), Fetched(1, 0)))
    assert [row["problem"] for row in ask(market, "page_readiness")] == [
        "status 404: nothing to read",
        "no text was found in it",
    ]
