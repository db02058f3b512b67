"""Replies as Tranco's API gives the ranks of a domain."""

from datetime import date
from typing import Any

import pytest

from crawlers.base import Wanted
from geo_flywheel.errors import Unreadable
from tests.crawlers.signals.asking import facts, gathered


def ranks(*told: tuple[str, int]) -> tuple[int, dict[str, Any]]:
    return 200, {"ranks": [{"date": day, "rank": rank} for day, rank in told]}


def test_each_registrable_domain_is_asked_for_once() -> None:
    wanted = Wanted(("blog.example.com", "example.com", "b.example"), date(2026, 10, 1), date(2026, 10, 31))
    _, http = gathered("tranco", ranks(), wanted=wanted)
    assert [request.url for request in http.sent] == [
        "https://tranco-list.eu/api/ranks/domain/example.com",
        "https://tranco-list.eu/api/ranks/domain/b.example",
    ]


def test_a_rank_is_a_level_of_its_day() -> None:
    found = facts("tranco", ranks(("2026-11-01", 7), ("2026-10-31", 812), ("2026-10-30", 799)))
    assert [(f.unit, f.unit_kind, f.day.day, f.metric, f.value, f.kind) for f in found] == [
        ("example.com", "site", 31, "rank", 812, "level"),
        ("example.com", "site", 30, "rank", 799, "level"),
    ]


def test_a_site_that_is_not_in_the_list_has_no_rank_and_never_0() -> None:
    assert facts("tranco", ranks()) == []
    assert facts("tranco", ranks(("2026-10-30", 0), ("2026-10-29", -1))) == []


@pytest.mark.parametrize("reply", [(503, {}), (200, {"rank": 5}), ranks(("soon", 1))])
def test_what_cannot_be_read_is_unreadable(reply: tuple[int, Any]) -> None:
    with pytest.raises(Unreadable):
        facts("tranco", reply)
