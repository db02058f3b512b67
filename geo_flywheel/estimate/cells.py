"""Page-weeks of which everything was seen: presence, citations and engagement, each in two halves.

Citations are pooled over a fixed set of engines as cited by asked; an engine that was not asked in a week makes the
page-week missing, since engines cite at different rates. What is missing is left out, and never 0.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_flywheel.panel import HALVES, KEYS, Panel

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Bools = NDArray[np.bool_]

STATES = ("presence", "citation", "engagement")
PRESENCE, CITATION, ENGAGEMENT = range(3)

_MOST_WEEKS = 0.5
_MOST_SITES = 10_000
_PER_PAGE = ("presence_a", "presence_b", "engagement_a", "engagement_b")


@dataclass(frozen=True, slots=True)
class Cells:
    """Complete page-weeks, sorted by page and period.

    Attributes:
        page: Code of the page, shape (cell,), ascending.
        period: Number of the period, same shape.
        levels: Fetches, citation rate and sessions, shape (cell, half, state); positive or 0.
        counts: Fetches, citations and sessions that the levels stand on, same shape.
        asked: Answers, shape (cell, half).
        site: Code of each page's site, shape (page,); beyond 10,000 sites, several share one and are drawn together.
        topic: Code of its topic, same shape.
        entered: Period in which it was first seen, same shape; NaN where nobody knows.
        left_out: How much was left out, by why.
    """

    page: Numbers
    period: Numbers
    levels: Floats
    counts: Floats
    asked: Floats
    site: Numbers
    topic: Numbers
    entered: Floats
    left_out: dict[str, float] = field(default_factory=dict)

    def where(self, kept: Bools) -> "Cells":
        """Keep some of the cells, shape (cell,)."""
        return replace(
            self, page=self.page[kept], period=self.period[kept], levels=self.levels[kept],
            counts=self.counts[kept], asked=self.asked[kept],
        )  # fmt: skip


def cells_of(panel: Panel) -> Cells:
    """Return the complete page-weeks of a panel.

    Raises:
        EstimateError: If a column with a half is absent, naming it.
    """
    frame, left_out = _pooled(panel.need(*KEYS, *HALVES))
    if "robots_allowed" in frame:
        shut = frame["robots_allowed"].eq(0).to_numpy(dtype=bool)
        left_out["cells_shut_by_robots"] = float(shut.sum())
        frame = frame[~shut]
    halves = {name: frame[name].to_numpy(dtype="float64", na_value=np.nan) for name in HALVES}
    asked = np.stack([halves["asked_a"], halves["asked_b"]], axis=1)
    counts = np.stack([[halves[f"{name}_{half}"] for name in ("presence", "cited", "engagement")] for half in "ab"])
    counts = np.ascontiguousarray(counts.transpose(2, 0, 1))
    levels = counts.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        levels[:, :, CITATION] = np.where(asked > 0, counts[:, :, CITATION] / asked, np.nan)
    complete = np.isfinite(levels).all(axis=(1, 2))
    left_out["cells_missing"] = float((~complete).sum())
    page, pages = pd.factorize(frame["page_id"])
    first = np.unique(page, return_index=True)[1] if len(pages) else np.zeros(0, np.int64)
    entered = _entered(frame, first)
    site = _codes(frame["site_id"].iloc[first])
    return Cells(
        page.astype(np.int64), frame["period"].to_numpy(dtype="int64"), levels, counts, asked,
        site % _MOST_SITES, _codes(frame["topic"].iloc[first]), entered, left_out,
    ).where(complete)  # fmt: skip


def _codes(labels: "pd.Series[str]") -> Numbers:
    codes: Numbers = pd.factorize(labels, use_na_sentinel=False)[0].astype(np.int64)
    return codes


def _entered(frame: pd.DataFrame, first: Numbers) -> Floats:
    if "first_seen" not in frame:
        return np.full(len(first), np.nan)
    seen = frame["first_seen"].iloc[first]
    if pd.api.types.is_numeric_dtype(seen):
        return seen.to_numpy(dtype="float64", na_value=np.nan)
    days = pd.to_datetime(seen, errors="coerce").to_numpy().astype("datetime64[D]")
    since = (days - np.datetime64("1970-01-05")).astype("timedelta64[D]").astype("float64")
    return np.where(np.isnat(days), np.nan, np.floor(since / 7))


def _pooled(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, float]]:
    """One row per page and period: summed over the engines that were asked in most weeks, missing where one was not."""
    if "engine" not in frame:
        return frame, {}
    swept = (frame["asked_a"] > 0) & (frame["asked_b"] > 0)
    weeks = frame["period"].nunique()
    share = frame[swept].groupby("engine", observed=True)["period"].nunique() / max(weeks, 1)
    engines = share.index[share >= _MOST_WEEKS]
    left_out = {"engines": float(len(engines)), "engines_left_out": float(frame["engine"].nunique() - len(engines))}
    kept = frame[frame["engine"].isin(engines)]
    by = kept.groupby(["page_id", "period"], sort=True, observed=True)
    pooled = by.agg({"site_id": "first", "topic": "first"})
    seen = swept[kept.index].groupby([kept["page_id"], kept["period"]], sort=True, observed=True).sum()
    for name in HALVES:
        pooled[name] = by[name].sum(min_count=1).where(by[name].count() == by.size())
        if name in _PER_PAGE and by[name].max().equals(by[name].min()):
            pooled[name] = by[name].first()  # told of the page, and repeated in the row of every engine
    for name in ("first_seen", "robots_allowed"):
        if name in kept:
            pooled[name] = by[name].first()
    pooled.loc[seen < len(engines), ["asked_a", "asked_b"]] = np.nan
    return pooled.reset_index(), left_out
