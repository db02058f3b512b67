"""How long pages wait for a citation: those that enter, beside those that are there when they do."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_flywheel.estimate.entrants import begins
from geo_flywheel.panel import Panel

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Spells(NamedTuple):
    """One spell per newcomer, and one per page that was there when newcomers entered its topic, each time they did.

    Attributes:
        duration: Periods asked until the first citation, or until watching ended, from 1 on.
        cited: Whether the citation came.
        newcomer: Whether the page entered when its spell begins.
        stratum: Number of the topic and period in which the spell begins.
        site: Site of the page.
        asked: Answers asked about the page in a period, on average.
    """

    duration: Whole
    cited: Bools
    newcomer: Bools
    stratum: Whole
    site: NDArray[np.object_]
    asked: Floats


def spells(panel: Panel) -> Spells:
    """Lay out the spells of a panel with both halves of citations; periods without an ask do not count."""
    rows = _asked(panel)
    page, starts = np.unique(rows["page_id"].to_numpy(), return_index=True)
    lengths = np.diff(np.append(starts, len(rows)))
    ends = np.repeat(starts + lengths, lengths)
    place = np.arange(len(rows))
    cited = rows["cited"].to_numpy() > 0
    following = _next(cited, place, ends)
    first_of_page = np.repeat(starts, lengths)
    newcomer = np.repeat(begins(panel, page), lengths) & (place == first_of_page)
    before = np.repeat(~begins(panel, page), lengths)
    stratum, _ = pd.factorize(rows["topic"].astype(str) + "\0" + rows["period"].astype(str))
    entered = np.zeros(stratum.max() + 1, np.bool_)
    entered[stratum[newcomer]] = True
    used = newcomer | (before & entered[stratum])
    came = following < ends
    duration = np.where(came, following - place + 1, ends - place)
    asked = rows.groupby("page_id", sort=True)["asked"].mean().to_numpy()
    return Spells(
        duration[used], came[used], newcomer[used], stratum[used].astype(np.int64),
        rows["site_id"].to_numpy()[used], np.repeat(asked, lengths)[used],
    )  # fmt: skip


def _asked(panel: Panel) -> pd.DataFrame:
    """One row per page and period in which it was asked, all engines together."""
    frame = panel.need("cited_a", "asked_a", "cited_b", "asked_b")
    cited, asked = (frame[[f"{name}_a", f"{name}_b"]].sum(axis=1) for name in ("cited", "asked"))
    rows = frame[["page_id", "site_id", "topic", "period"]].assign(cited=cited, asked=asked)
    if "engine" in frame:
        firsts = {"site_id": "first", "topic": "first", "cited": "sum", "asked": "sum"}
        rows = rows.groupby(["page_id", "period"], sort=True, as_index=False).agg(firsts)
    return rows[rows["asked"] > 0].sort_values(["page_id", "period"], kind="stable", ignore_index=True)


def _next(cited: Bools, place: Whole, ends: Whole) -> Whole:
    """Row of the next citation of the same page from each row on; its end where there is none."""
    rows = np.where(cited, place, len(place))
    following = np.minimum.accumulate(rows[::-1])[::-1]
    return np.minimum(following, ends)
