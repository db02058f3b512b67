"""Sampling: how much of what a sweep shows is the pages, and how much is chance of prompts and answers.

Everything stands on the two halves of the prompts. What both halves see alike is the page; what they see differently is
noise: which prompts were chosen, and how an engine happened to answer. Nothing here takes answers as independent.
"""

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_flywheel.errors import EstimateError, NotIdentified
from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimate.beta_binomial import BetaBinomial, beta_binomial
from geo_flywheel.estimate.components import variance_components
from geo_flywheel.estimate.detectable import CONFIDENCE, POWER, detectable_change, repeats_needed
from geo_flywheel.estimate.jackknife import FEWEST_GROUPS, group_sums, groups_of, jackknife
from geo_flywheel.panel import Panel

__all__ = ["ESTIMATOR", "BetaBinomial", "Sampling", "beta_binomial", "detectable_change", "repeats_needed"]

OVER_SITES = "sites like these, these prompts"
_FEWEST_PERIODS = 4
_POWER = CONFIDENCE + POWER
_BETA_GROUPS = 20
_HALVES = ("asked_a", "cited_a", "asked_b", "cited_b")
_HALVED = "The two halves of the prompts share no noise: they are split by prompt, never by repeat."
_ALIKE = "Both halves stand for the same prompts: a page is no more apt for one half than for the other, but by chance."
_OF_CITED = "The panel is made of cited pages: all numbers are of those, pages never cited would change them."
_NO_PROMPTS = "the panel does not say which prompt each answer is for; `geo-flywheel plan` tells it from the store"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sampling:
    """Reliability, design effect and what they allow to be seen."""

    def fit(self, panel: Panel) -> Estimate:
        """Estimate how much of the differences between pages, in one engine and period, is not chance.

        Args:
            panel: With both halves of citations; `cells_asked`, if it is there, tells how often a prompt is repeated.

        Returns:
            Reliability of a page's rate in one period from both halves, in (-1, 1], by the formula of Spearman and
            Brown, and as parts the design effect, the correlation of repeats, the smallest change of a page's rate that
            is told from none, and for each engine the beta distribution of page rates. The diagnostics hold the
            components of variance.

        Raises:
            EstimateError: If a column of the halves is absent.

        Source:
            Estimators.md section 8. Spearman (1910) and Brown (1910), British Journal of Psychology 3; the design
            effect from the scatter over time of the difference between halves, in which a page's own movement cancels.
        """
        frame = panel.need(*_HALVES)
        rows = _rates(frame)
        if rows.empty:
            return _told(panel, None, None, Verdict.TOO_FEW, "no page was asked in both halves", {}, ())
        group = groups_of(rows["site_id"].to_numpy())
        value, interval = _reliability(rows, group)
        counts = _components(rows) | {"sites": float(rows["site_id"].nunique()), "cells": float(len(rows))}
        parts = (*_noise(rows, group, _repeats(frame)), *_shrinkage(frame))
        if value is None:
            reason = "within a period pages do not differ, so that no share of it can be chance"
            return _told(panel, None, None, Verdict.CANNOT_TELL, reason, counts, parts)
        reason = "" if interval else f"needs {FEWEST_GROUPS} sites for an interval"
        verdict = Verdict.MEASURED if interval else Verdict.TOO_FEW
        return _told(panel, value, interval, verdict, reason, counts, parts)


ESTIMATOR = Sampling()


def _rates(frame: pd.DataFrame) -> pd.DataFrame:
    """Cells of page, engine and period that were asked in both halves, with the rate of each half."""
    asked = (frame["asked_a"].fillna(0) > 0) & (frame["asked_b"].fillna(0) > 0)
    kept = frame.loc[asked]
    labels = kept[["page_id", "site_id", "period"]].assign(engine=kept.get("engine", ""))
    counts = {name: kept[name].fillna(0).to_numpy(np.float64) for name in _HALVES}
    rates = {half: counts[f"cited_{half}"] / counts[f"asked_{half}"] for half in ("a", "b")}
    return labels.assign(**counts, **rates)


def _reliability(rows: pd.DataFrame, group: NDArray[np.int64]) -> tuple[float | None, Interval | None]:
    """Correlation of the halves between pages within engine and period, raised to that of both halves together."""
    means = rows.groupby(["engine", "period"])[["a", "b"]].transform("mean")
    a, b = (rows["a"] - means["a"]).to_numpy(), (rows["b"] - means["b"]).to_numpy()

    def both_halves(sums: Floats) -> float:
        correlation = sums[0] / np.sqrt(sums[1] * sums[2])
        return float(2 * correlation / (1 + correlation))

    sums = group_sums(group, a * b, a * a, b * b)
    if (sums.sum(axis=0)[1:] <= 0).any():
        return None, None
    return jackknife(sums, both_halves, OVER_SITES)


def _noise(rows: pd.DataFrame, group: NDArray[np.int64], repeats: float | None) -> tuple[Estimate, ...]:
    """What the scatter over time of the difference between a page's halves says."""
    page = rows.groupby(["page_id", "engine"], sort=False)
    size = page["a"].transform("size").to_numpy()
    watched = size >= _FEWEST_PERIODS
    if not watched.any():
        reason = f"needs a page watched for {_FEWEST_PERIODS} periods"
        return tuple(_part(name, None, unit, None, reason) for name, unit in _NOISE_UNITS.items())
    apart = rows["a"] - rows["b"]
    squares = ((apart - apart.groupby([rows["page_id"], rows["engine"]]).transform("mean")) ** 2).to_numpy()
    scatter = squares * size / np.maximum(size - 1, 1)
    alone = _if_independent(rows, page, "a") + _if_independent(rows, page, "b")
    sums = group_sums(group, scatter * watched, alone * watched, watched.astype(np.float64))
    effect, limits = jackknife(sums, lambda s: float(s[0] / s[1]), OVER_SITES, positive=True)
    change, around = jackknife(sums, lambda s: _POWER * float(np.sqrt(s[0] / s[2] / 2)), OVER_SITES, positive=True)
    detectable = "a page's rate between two periods in one engine, at the asking of this panel, with power .8 at .05"
    return (
        _part("design_effect", effect, _NOISE_UNITS["design_effect"], limits, ""),
        _correlation(effect, limits, repeats),
        _part("detectable_change", change, _NOISE_UNITS["detectable_change"], around, detectable),
        _part("repeats_needed", None, _NOISE_UNITS["repeats_needed"], None, _NO_PROMPTS),
    )


_NOISE_UNITS = {
    "design_effect": "variance of a rate over that of as many independent answers",
    "correlation_of_repeats": "correlation of two answers to one prompt in one period, in [-1, 1]",
    "detectable_change": "share of answers",
    "repeats_needed": "answers of a prompt in one sweep",
}


def _if_independent(rows: pd.DataFrame, page: Any, half: str) -> Floats:
    """Variance of the rate of each cell if its answers were independent, at the page's rate over all periods."""
    cited, total = (page[f"{name}_{half}"].transform("sum").to_numpy() for name in ("cited", "asked"))
    share = cited / total
    return np.asarray(share * (1 - share) * total / np.maximum(total - 1, 1) / rows[f"asked_{half}"].to_numpy())


def _correlation(effect: float, limits: Interval | None, repeats: float | None) -> Estimate:
    """Turn a design effect into the correlation that makes it: effect = 1 + (repeats - 1) correlation."""
    name, unit = "correlation_of_repeats", _NOISE_UNITS["correlation_of_repeats"]
    if repeats is None or repeats <= 1:
        reason = "needs the column cells_asked, which tells how often prompts are repeated" if repeats is None else ""
        return _part(name, None, unit, None, reason or "prompts are asked once: no repeat resembles another")
    value, *ends = ((at - 1) / (repeats - 1) for at in (effect, *((limits.low, limits.high) if limits else ())))
    interval = Interval(ends[0], ends[1], limits.level, OVER_SITES) if limits else None
    return _part(name, value, unit, interval, f"at {repeats:.1f} repeats")


def _repeats(frame: pd.DataFrame) -> float | None:
    """Answers to a distinct engine, prompt and snapshot cell."""
    if "cells_asked" not in frame or not frame["cells_asked"].sum():
        return None
    return float((frame["asked_a"].fillna(0) + frame["asked_b"].fillna(0)).sum() / frame["cells_asked"].sum())


def _components(rows: pd.DataFrame) -> dict[str, float]:
    """Components of variance over page, period, half of the prompts and engine."""
    twice = pd.concat([rows, rows], ignore_index=True)
    half = np.repeat(["a", "b"], len(rows))
    cited, asked = (np.concatenate([rows[f"{name}_a"], rows[f"{name}_b"]]) for name in ("cited", "asked"))
    names = {"page": "page_id", "period": "period", "engine": "engine"}
    labels = {name: twice[column].to_numpy() for name, column in names.items()} | {"half": half}
    try:
        found = variance_components(cited, asked, labels)
    except NotIdentified:
        return {}
    return {f"variance of {name}": value for name, value in found.items()}


def _shrinkage(frame: pd.DataFrame) -> tuple[Estimate, ...]:
    """The beta distribution of page rates in each engine, all periods together."""
    cited = frame[["cited_a", "cited_b"]].sum(axis=1)
    asked = frame[["asked_a", "asked_b"]].sum(axis=1)
    engine = frame["engine"] if "engine" in frame else pd.Series("all engines", frame.index)
    counts = pd.DataFrame(
        {"page": frame["page_id"], "site": frame["site_id"], "engine": engine, "y": cited, "n": asked}
    )
    summed = counts.groupby(["engine", "page"], sort=True).agg(site=("site", "first"), y=("y", "sum"), n=("n", "sum"))
    return tuple(part for name, pages in summed.groupby(level="engine", sort=True) for part in _beta(str(name), pages))


def _beta(engine: str, pages: pd.DataFrame) -> tuple[Estimate, ...]:
    group = groups_of(pages["site"].to_numpy(), _BETA_GROUPS)
    y, n = pages["y"].to_numpy(np.float64), pages["n"].to_numpy(np.float64)

    @cache
    def fitted(left: bytes) -> BetaBinomial:
        kept = np.frombuffer(left)[group] > 0
        return beta_binomial(y[kept], n[kept])

    def count(number: int, left: Floats) -> float:
        return fitted(left.tobytes())[number]

    parts, sites = [], np.eye(int(group.max()) + 1)
    for number, (name, kind) in enumerate((("a", "citing"), ("b", "not citing"))):
        unit = f"answers {kind} that a page's rate is shrunk by"
        try:
            value, limits = jackknife(sites, partial(count, number), OVER_SITES, positive=True)
            parts.append(_part(f"beta_{name}[{engine}]", value, unit, limits, ""))
        except EstimateError as error:
            parts.append(_part(f"beta_{name}[{engine}]", None, unit, None, str(error)))
    return tuple(parts)


def _part(name: str, value: float | None, unit: str, interval: Interval | None, reason: str) -> Estimate:
    if value is not None and interval is None:
        reason = f"{reason}; needs {FEWEST_GROUPS} sites for an interval".removeprefix("; ")
    verdict = Verdict.CANNOT_TELL if value is None else Verdict.TOO_FEW if interval is None else Verdict.MEASURED
    return Estimate(name, value, unit, interval, verdict, reason)


def _told(
    panel: Panel, value: float | None, interval: Interval | None, verdict: Verdict, reason: str,
    counts: dict[str, float], parts: tuple[Estimate, ...],
) -> Estimate:  # fmt: skip
    return Estimate(
        quantity="reliability",
        value=value,
        unit="share of the variance between page rates that is not chance",
        interval=interval,
        verdict=verdict,
        reason=reason,
        diagnostics=counts,
        assumptions=(_HALVED, _ALIKE, _OF_CITED) if panel.origin == "cited pages" else (_HALVED, _ALIKE),
        input_digest=panel.digest,
        n_units=int(panel.frame["page_id"].nunique()),
        n_periods=int(panel.frame["period"].nunique()),
        parts=parts,
    )
