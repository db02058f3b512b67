"""Where visits land: pages of one host, and the rest that a tool does not tell apart."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from geo_flywheel.records import Engagement, UnitKind

_NO_PAGE = frozenset({"", "(not set)", "(other)", "(none)"})


class Place(NamedTuple):
    """A page's address, or a host for visits whose page is not told; each visit belongs to one of them."""

    unit: str
    unit_kind: UnitKind


def landing(host: str, said: str) -> Place:
    """Return where a visit landed, as a tool says it: a path with or without a query, or an address.

    Args:
        host: Of the site, for paths.
        said: Never taken for more than it is: "(not set)" and "(other)" are no pages.
    """
    path = said.strip().split("#", 1)[0].split("?", 1)[0]
    if path in _NO_PAGE:
        return Place(host, "host")
    if path.startswith(("https://", "http://")):
        return Place(path, "page")
    return Place(f"https://{host}/{path.removeprefix('/')}", "page")


@dataclass(frozen=True, slots=True)
class Cut:
    """What visits are told apart by."""

    place: Place
    day: date
    assistant: str | None
    attribution: str | None


def summed(
    rows: Iterable[tuple[Cut, Mapping[str, float]]], source: str, rule: str, *, partial: bool | None
) -> Iterator[Engagement]:
    """Yield one fact per cut and metric, the rows of a cut added up; only counts that add up may be handed in.

    Args:
        rows: Each with its metrics by name.
        source: Plugin that counted them.
        rule: How they were counted.
        partial: Whether the source left rows out.
    """
    sums: defaultdict[Cut, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for cut, metrics in rows:
        for metric, value in metrics.items():
            sums[cut][metric] += value
    for cut, metrics in sums.items():
        for metric, value in metrics.items():
            yield Engagement(
                source, *cut.place, cut.day, metric, value, "flow", cut.assistant, cut.attribution, rule, partial
            )


def totals(days: Iterable[tuple[date, float]], source: str, host: str, *, partial: bool | None) -> Iterator[Engagement]:
    """Yield all visits of a host per day: what those out of assistants are a part of, and that the day was counted.

    On a day that has a total, a page without a row had no visits out of assistants, unless rows are missing; on a day
    without one nobody counted.
    """
    for day, visits in days:
        yield Engagement(
            source, host, "host", day, "all_sessions", visits, rule="all sessions of the site", partial=partial
        )


def belongs(host: str, site: str) -> bool:
    """Return whether a host is a site's own: the same, or below it."""
    return host == site or host.endswith(f".{site}")
