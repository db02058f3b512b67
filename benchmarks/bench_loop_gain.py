"""A million page-weeks to a loop gain, ten times the rows, and the within step beside pyfixest.

    pytest -m bench -s benchmarks/bench_loop_gain.py

The panel is made of counts: states of a market in units of the page's mean, seen as fetches, citations and visits in
two halves. A fit is all that `estimate loop_gain` prints without --thorough: 999 draws of sites, stage test, exclusion
gate, placebo leads, noise check, acceleration and baselines, from a file that still has to be read and checked. It runs
in a process of its own, so that its memory is its own. The within step takes topic-week and page effects out of three
columns of one unbalanced panel; pyfixest does it inside `feols`, and in the compiled function that `feols` calls.
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import pandas as pd
import pytest

from benchmarks.alone import alone
from benchmarks.side_by_side import Limit, Round, fail_on_missed, judge, seconds
from geo_flywheel.estimate.within import within
from geo_flywheel.estimators.loop_gain import LoopGain
from geo_flywheel.panel import read_panel

PAGES, WEEKS, SITES, TOPICS = 20_000, 50, 2_000, 20
LIMITS = {"1,000,000 page-weeks to a loop gain": Limit(20, "s"), "memory of it": Limit(2_000, "MB")}
TENFOLD = {"ten times the rows": Limit(12)}
WITHIN = {"within step beside feols": Limit(1), "within step beside its demeaning": Limit(1)}
ROUNDS = 5


def counts(pages: int, seed: int = 1) -> pd.DataFrame:
    """A market of a true gain of one half, shape (pages * weeks,), one row per page and week."""
    rng = np.random.default_rng(seed)
    gain = 0.5 ** (1 / 3)
    matrix = np.diag([0.6, 0.3, 0.2])
    matrix[1, 0], matrix[2, 1], matrix[0, 2] = 0.7 * gain, 0.8 * gain, 0.4 * gain
    base, state = 1 - matrix.sum(axis=1), np.ones((pages, 3))
    scale = rng.lognormal(0, 0.5, (pages, 3)) * (20, 12, 30)
    seen = []
    for week in range(-30, WEEKS):
        state = rng.gamma((base + state @ matrix.T) / 0.04, 0.04)
        if week >= 0:
            seen.append(rng.poisson(state * scale / 2, (2, pages, 3)))
    a, b = np.array(seen, dtype=np.float64).transpose(1, 2, 0, 3).reshape(2, -1, 3)
    page = np.repeat(np.arange(pages), WEEKS)
    return pd.DataFrame({
        "page_id": page, "site_id": page % (SITES * pages // PAGES), "topic": page % TOPICS,
        "period": np.tile(np.arange(WEEKS), pages), "asked_a": 400, "asked_b": 400, "cited_a": a[:, 1],
        "cited_b": b[:, 1], "presence_a": a[:, 0], "presence_b": b[:, 0], "engagement_a": a[:, 2],
        "engagement_b": b[:, 2],
    })  # fmt: skip


def fit(path: str) -> float:
    """Seconds from a file that was read once before to an estimate."""
    start = perf_counter()
    panel = read_panel(Path(path))
    estimate = LoopGain().fit(panel)
    assert estimate.interval is not None
    assert 0.4 < (estimate.value or 0) < 0.6
    return perf_counter() - start


@pytest.mark.bench
def test_a_million_page_weeks_take_seconds_and_ten_times_the_rows_ten_times_as_long() -> None:
    with TemporaryDirectory() as folder:
        whole, tenth = (f"{folder}/{pages}.parquet" for pages in (PAGES, PAGES // 10))
        counts(PAGES).to_parquet(whole)
        counts(PAGES // 10).to_parquet(tenth)

        def once() -> Round:
            (small, _), (large, memory) = alone(fit, tenth), alone(fit, whole)
            return dict(zip(LIMITS | TENFOLD, (large, memory, large / small), strict=True))

        fail_on_missed(judge(LIMITS | TENFOLD, once, ROUNDS))


@cache
def unbalanced() -> pd.DataFrame:
    """Four fifths of the rows, three columns of counts relative to their page's mean."""
    frame = counts(PAGES)
    frame = frame[np.random.default_rng(2).random(len(frame)) < 0.8].reset_index(drop=True)
    return frame.assign(
        page=pd.factorize(frame["page_id"])[0],
        cell=frame["topic"] * WEEKS + frame["period"],
        y=frame["cited_a"] + frame["cited_b"],
        x=frame["presence_a"] + frame["presence_b"],
        e=frame["engagement_a"] + frame["engagement_b"],
    )


@pytest.mark.bench
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the peer's own
def test_the_within_step_is_no_slower_than_pyfixest_and_says_the_same() -> None:
    pyfixest = pytest.importorskip("pyfixest", reason="the peer lies in requirements-bench.lock: run make bench")
    demean = import_module("pyfixest.core.demean").demean
    frame = unbalanced()
    columns = frame[["y", "x", "e"]].to_numpy(dtype=np.float64)
    page, cell = frame["page"].to_numpy(), frame["cell"].to_numpy()
    effects, equal = np.stack([page, cell], axis=1).astype(np.uint64), np.ones(len(frame))

    def whole() -> np.ndarray:
        return np.asarray(pyfixest.feols("y ~ x + e | page + cell", frame, vcov="iid").coef())

    def ours() -> np.ndarray:
        return within(columns, page, cell)

    taken = ours()
    np.testing.assert_allclose(np.linalg.lstsq(taken[:, 1:], taken[:, 0])[0], whole(), rtol=1e-5)

    def step() -> object:
        return demean(columns, effects, equal)

    def once() -> Round:
        return {
            "within step beside feols": seconds(ours) / seconds(whole),
            "within step beside its demeaning": seconds(ours) / seconds(step),
        }

    fail_on_missed(judge(WITHIN, once, ROUNDS))
