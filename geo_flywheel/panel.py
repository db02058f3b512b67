"""The panel: one row per page and period, what was seen beside what was looked for, checked once at the door.

Every state has two halves whose noise is not shared: citations by prompt, engagement by day, presence by fetch day or
crawl segment. A cell that was not asked is missing (0 asked), and is not a cell without citations.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_flywheel.errors import ConfigError, EstimateError

Origin = Literal["risk set", "cited pages", "not told"]

KEYS = ("page_id", "site_id", "topic", "period")
HALVES = ("asked_a", "cited_a", "asked_b", "cited_b", "engagement_a", "engagement_b", "presence_a", "presence_b")
OPTIONAL = (
    "engine", "presence_train", "bot_hits", "feedback_up", "feedback_down", "regenerated", "backlinks", "first_seen",
    "robots_allowed", "cells_cited", "cells_asked",
)  # fmt: skip
_LABELS = {"page_id", "site_id", "topic", "period", "engine", "first_seen"}
_DAYS_A_WEEK = 7
_MONDAY = 4  # the first Monday after 1970-01-01, in days


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel that passed `checked`.

    Attributes:
        frame: Sorted by page, engine where there is one, and period; period is a whole number, its unit one period, so
            that adjacent periods differ by 1 (weeks since 1970-01-05 where dates were given).
        origin: Where the list of pages comes from: sitemaps, crawl indexes and logs ("risk set"), or answers ("cited
            pages"), which selects on the outcome.
        digest: sha256 of the rows.
        notes: What was left out when it was made, one sentence each.
    """

    frame: pd.DataFrame
    origin: Origin
    digest: str
    notes: tuple[str, ...] = ()

    def need(self, *columns: str) -> pd.DataFrame:
        """Return the frame if it has these columns.

        Raises:
            EstimateError: Naming those that are absent.
        """
        absent = [name for name in columns if name not in self.frame]
        if absent:
            raise EstimateError(
                f"the panel has no column {', '.join(absent)}; add it, or import what it is counted from"
                f" (there are {', '.join(map(str, self.frame.columns))})"
            )
        return self.frame

    def of(self, *, site: str | None = None, engine: str | None = None) -> "Panel":
        """Return the rows of one site or one engine.

        Raises:
            EstimateError: If there are none.
        """
        kept = np.ones(len(self.frame), dtype=bool)
        for column, value in (("site_id", site), ("engine", engine)):
            if value is not None:
                kept &= self._rows_of(column, value)
        return self._where(kept)

    def around(self, site: str) -> "Panel":
        """Return the market of a site: all pages of the topics it has pages in, its rivals' too.

        Raises:
            EstimateError: If it has no page in the panel.
        """
        topics = self.frame["topic"][self._rows_of("site_id", site)].unique()
        return self._where(self.frame["topic"].isin(topics).to_numpy())

    def _rows_of(self, column: str, value: str) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (self.need(column)[column].astype(str) == value).to_numpy()
        if not found.any():
            there = self.frame[column].astype(str).unique()
            near = get_close_matches(value, there, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {len(there)}, {there[0]} among them"
            raise EstimateError(f"no row of the panel has {column} {value}; {hint}")
        return found

    def _where(self, kept: NDArray[np.bool_]) -> "Panel":
        if kept.all():
            return self
        frame = self.frame[kept].reset_index(drop=True)
        return replace(self, frame=frame, digest=_digest(frame))


def checked(frame: pd.DataFrame, origin: Origin = "not told") -> Panel:
    """Take a frame at its word if it can be a panel.

    Args:
        frame: One row per page and period (and engine, where that column is there), with the columns of `KEYS` and any
            of `HALVES` and `OPTIONAL`; numeric columns are taken as they are.
        origin: Where the list of pages comes from.

    Raises:
        EstimateError: If a key is absent, a row comes twice, or a count cannot be one.
    """
    absent = [name for name in KEYS if name not in frame]
    if absent:
        raise EstimateError(f"no column {', '.join(absent)} in the panel; it has {', '.join(map(str, frame.columns))}")
    taken = frame.assign(period=_periods(frame["period"]))
    units = ["page_id", *(["engine"] if "engine" in taken else []), "period"]
    taken = taken.sort_values(units, kind="stable", ignore_index=True)
    twice = taken.duplicated(units).to_numpy()
    if twice.any():
        row = taken[units].iloc[int(twice.argmax())]
        raise EstimateError(f"two rows of the panel are for {', '.join(map(str, row))}; sum them into one")
    _check_counts(taken)
    return Panel(taken, origin, _digest(taken))


def read_panel(path: Path) -> Panel:
    """Read a panel from a Parquet or CSV file.

    Raises:
        ConfigError: If the file is not there or is neither.
        EstimateError: As `checked`.
    """
    try:
        with path.open("rb") as file:
            parquet = file.read(4) == b"PAR1"
        frame = pd.read_parquet(path) if parquet else pd.read_csv(path)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror or error}); check the path and its rights"
        ) from error
    except ValueError as error:  # ArrowInvalid, ParserError and UnicodeDecodeError are ValueErrors
        raise ConfigError(f"{path}: is neither a Parquet nor a CSV file ({error}); write the panel as one") from error
    try:
        return checked(frame)
    except EstimateError as error:
        raise EstimateError(f"{path}: {error}") from error


def _periods(given: "pd.Series[int]") -> "pd.Series[int]":
    """Whole numbers as they are; dates as weeks."""
    if pd.api.types.is_bool_dtype(given) or given.isna().any():
        raise EstimateError("a period of the panel is missing or no number; give whole numbers or dates")
    if pd.api.types.is_numeric_dtype(given):
        if (given != np.floor(given)).any():
            raise EstimateError("a period of the panel is not whole; number the periods, or give dates")
        return given.astype("int64")
    try:
        days = pd.to_datetime(given, format="ISO8601").astype("datetime64[s]").astype("int64") // 86_400
    except (TypeError, ValueError) as error:
        raise EstimateError(f"a period of the panel is neither a number nor an ISO 8601 date ({error})") from error
    return (days - _MONDAY) // _DAYS_A_WEEK


def _check_counts(frame: pd.DataFrame) -> None:
    for name in _numeric(frame):
        if not pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name]):
            raise EstimateError(
                f"column {name} of the panel is not numeric; write numbers, and nothing where none is known"
            )
        if (frame[name] < 0).any() or np.isinf(frame[name].astype("float64")).any():
            raise EstimateError(f"column {name} of the panel has a value below 0 or without bound; it is no count")
    for half in ("a", "b"):
        asked, cited = f"asked_{half}", f"cited_{half}"
        if asked in frame and cited in frame and (over := (frame[cited] > frame[asked]).to_numpy()).any():
            row = frame.iloc[int(over.argmax())]
            raise EstimateError(
                f"page {row['page_id']} in period {row['period']}: {cited} {row[cited]} of {asked} {row[asked]};"
                " count an answer once, however often it cites"
            )


def _numeric(frame: pd.DataFrame) -> Iterable[str]:
    return (name for name in (*HALVES, *OPTIONAL) if name in frame and name not in _LABELS)


def _digest(frame: pd.DataFrame) -> str:
    known = [name for name in (*KEYS, *HALVES, *OPTIONAL) if name in frame]
    rows = pd.util.hash_pandas_object(frame[known], index=False).to_numpy()
    return sha256(rows.tobytes() + " ".join(known).encode()).hexdigest()
