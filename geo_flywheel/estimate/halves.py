"""Citations of a panel laid out by unit and period, in two halves."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_flywheel.estimate.shares import Halves
from geo_flywheel.panel import Panel

Floats = NDArray[np.float64]

COLUMNS = ("asked_a", "cited_a", "asked_b", "cited_b")


class Market:
    """The units of a panel, and the periods in which both halves of all its engines were asked and cite somebody.

    Attributes:
        labels: Names of the units, in order.
        engines: Names of the engines; one empty name where the panel has none.
    """

    def __init__(self, panel: Panel, unit: str) -> None:
        """Number the rows of a panel that has the columns of both halves; unit is `site_id` or `page_id`."""
        frame = panel.frame
        self._unit, labels = pd.factorize(frame[unit], sort=True)
        self._period, periods = pd.factorize(frame["period"], sort=True)
        engine = frame["engine"] if "engine" in frame else pd.Series("", frame.index)
        self._engine, engines = pd.factorize(engine.astype(str), sort=True)
        self.labels, self.engines = [str(label) for label in labels], [str(name) for name in engines]
        self.periods = np.asarray(periods, dtype=np.int64)
        self._counts = {name: frame[name].fillna(0).to_numpy(np.float64) for name in COLUMNS}

    def of(self, engine: str) -> Halves:
        """Return the citations in one engine."""
        halves = self._laid_out(self._engine == self.engines.index(engine))
        return halves.kept((halves.a.sum(axis=0) > 0) & (halves.b.sum(axis=0) > 0))

    def together(self) -> Halves:
        """Return the citations of all engines, in the periods in which all of them are known."""
        halves = self._laid_out(np.ones(len(self._unit), np.bool_))
        known = np.ones(len(self.periods), np.bool_)
        for engine in self.engines:
            known &= np.isin(self.periods, self.of(engine).period)
        return halves.kept(known)

    def _laid_out(self, rows: NDArray[np.bool_]) -> Halves:
        cell = self._unit[rows] * len(self.periods) + self._period[rows]
        shape = (len(self.labels), len(self.periods))
        names = ("cited_a", "cited_b", "asked_a", "asked_b")
        whole = (np.bincount(cell, self._counts[name][rows], shape[0] * shape[1]) for name in names)
        a, b, *asked = (counts.astype(np.float64) for counts in whole)
        there = (asked[0] + asked[1]) > 0
        return Halves(a.reshape(shape), b.reshape(shape), there.reshape(shape), self.periods)
