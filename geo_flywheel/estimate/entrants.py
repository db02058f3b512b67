"""Pages that enter while a panel runs: the only ones whose whole past is in it."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_flywheel.errors import EstimateError
from geo_flywheel.estimate.risk_cells import Cells, past_of
from geo_flywheel.panel import Panel

Whole = NDArray[np.int64]
Bools = NDArray[np.bool_]

DISTINCT = ("cells_cited", "cells_asked")
_DAYS_A_WEEK = 7
_MONDAY = 4  # the first Monday after 1970-01-01, in days: where the weeks of a panel are counted from


class Entrants(NamedTuple):
    """What the pages that entered gathered.

    Attributes:
        cells: One row per page and period asked; None when nobody entered or nothing cites those who did.
        sites: Number of the site of each unit of `cells`.
        pages: Pages that entered.
        incumbents: Pages that were there before, or whose history is longer than their rows.
        unasked: Periods after its entry in which a page was not asked: its past is counted too small by what it
            gathered there.
        distinct: Whether events are distinct engine, prompt and snapshot cells, or answers, repeats counted each.
    """

    cells: Cells | None
    sites: Whole
    pages: int
    incumbents: int
    unasked: int
    distinct: bool


def entrants(panel: Panel) -> Entrants:
    """Lay out the pages of a panel that entered while it ran.

    A page enters with its first row if that lies after the panel's first period, and nothing says it was seen earlier;
    in the first period only where `first_seen` says that it began there.
    """
    rows = _pooled(panel)
    page, starts = np.unique(rows["page_id"].to_numpy(), return_index=True)
    lengths = np.diff(np.append(starts, len(rows)))
    unit, period = np.repeat(np.arange(len(page)), lengths), rows["period"].to_numpy()
    entered = _entered(rows, starts, int(period.min()))
    events, asked = rows["events"].to_numpy(), rows["asked"].to_numpy()
    used = entered[unit] & (asked > 0)
    spans = period[starts + lengths - 1] - period[starts] + 1
    unasked = int(spans[entered].sum()) - int(used.sum())
    distinct = set(DISTINCT) <= set(panel.frame.columns)
    cells, sites = _cells(unit, period, events, asked, used), np.array([], np.int64)
    if cells is not None:
        used &= np.isin(period, np.unique(period[used & (events > 0)]))
        _, site = np.unique(rows["site_id"].to_numpy()[starts].astype(str), return_inverse=True)
        sites = site[np.unique(unit[used])]
    return Entrants(cells, sites, int(entered.sum()), int((~entered).sum()), unasked, distinct)


def begins(panel: Panel, pages: NDArray[np.generic]) -> Bools:
    """Tell which of some pages enter while the panel runs, shape (page,)."""
    kept = [name for name in ("page_id", "period", "first_seen") if name in panel.frame]
    rows = panel.frame[kept].sort_values(["page_id", "period"], kind="stable", ignore_index=True)
    page, starts = np.unique(rows["page_id"].to_numpy(), return_index=True)
    entered = _entered(rows, starts, int(rows["period"].min()))
    return np.asarray(entered[np.searchsorted(page, pages)], dtype=np.bool_)


def _pooled(panel: Panel) -> pd.DataFrame:
    """One row per page and period, by page and period, all engines together, with events and what was asked."""
    if set(DISTINCT) <= set(panel.frame.columns):
        cited, asked = (_counts(panel.frame, [name]) for name in DISTINCT)
    else:
        panel.need("cited_a", "asked_a", "cited_b", "asked_b")
        cited, asked = (_counts(panel.frame, [f"{name}_a", f"{name}_b"]) for name in ("cited", "asked"))
    if (cited > asked).any():
        row = panel.frame.iloc[int((cited > asked).argmax())]
        raise EstimateError(
            f"page {row['page_id']} in period {row['period']} is cited in more cells than were asked; count each once"
        )
    kept = [name for name in ("page_id", "site_id", "period", "first_seen") if name in panel.frame]
    rows = panel.frame[kept].assign(events=cited, asked=asked)
    if "engine" not in panel.frame:
        return rows
    firsts = {name: "first" for name in kept if name not in {"page_id", "period"}}
    summed = {**firsts, "events": "sum", "asked": "sum"}
    return rows.groupby(["page_id", "period"], sort=True, as_index=False).agg(summed)


def _counts(frame: pd.DataFrame, names: list[str]) -> NDArray[np.float64]:
    try:
        counts = frame[names].to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise EstimateError(f"column {' or '.join(names)} of the panel holds no numbers ({error})") from error
    if (counts < 0).any() or np.isinf(counts).any():
        raise EstimateError(f"column {' or '.join(names)} of the panel has a value below 0 or without bound")
    return np.asarray(np.nansum(counts, axis=1), dtype=np.float64)


def _entered(rows: pd.DataFrame, starts: NDArray[np.intp], window: int) -> Bools:
    """Tell which pages bring no history along, shape (page,)."""
    first_row = rows["period"].to_numpy()[starts]
    later = first_row > window
    if "first_seen" not in rows:
        return np.asarray(later)
    seen = _in_periods(rows["first_seen"].iloc[starts])
    return np.asarray(np.where(np.isnan(seen), later, seen >= first_row), dtype=np.bool_)


def _in_periods(first_seen: "pd.Series[float]") -> NDArray[np.float64]:
    """Numbers as they are, dates as weeks, as the periods of a panel; NaN where none is known."""
    if pd.api.types.is_numeric_dtype(first_seen):
        return np.asarray(first_seen.to_numpy(np.float64, na_value=np.nan), dtype=np.float64)
    try:
        days = pd.to_datetime(first_seen).to_numpy().astype("datetime64[D]")
    except (TypeError, ValueError) as error:
        raise EstimateError(f"first_seen of the panel is neither a number nor a date ({error})") from error
    weeks = np.floor((days.astype(np.float64) - _MONDAY) / _DAYS_A_WEEK)
    return np.asarray(np.where(np.isnat(days), np.nan, weeks), dtype=np.float64)


def _cells(
    unit: Whole, period: Whole, events: NDArray[np.float64], asked: NDArray[np.float64], used: Bools
) -> Cells | None:
    if not (events[used] > 0).any():
        return None
    _, number = np.unique(unit[used], return_inverse=True)
    _, time = np.unique(period[used], return_inverse=True)
    exposure = asked[used] / asked[used].mean()
    whole = Cells(number, time, past_of(number, events[used]), events[used], exposure)
    return whole.kept(np.ones(len(number), np.bool_))
