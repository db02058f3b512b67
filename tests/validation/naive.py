"""What is usually done, put to the same panels: each neglects something.

    pooled OLS   no page effects, one scale for all pages
    FE           page effects, and the bias that short panels give them (Nickell)
    HPJ          the same with half-panel jackknife
    no split     the estimator itself on one measurement of each state instead of two, noise and all

The first three are worked out here; the last is `LoopGain` on a panel whose halves are both the whole.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Columns = Mapping[str, NDArray[Any]]

_STATES = ("presence", "cited", "engagement")
_ROWS = ((0, 2), (0, 1), (1, 2))
"""The states that move presence, citation and engagement in a loop."""


class Naive(NamedTuple):
    """A gain with the interval that its kind prints, a normal one by jackknife over sites."""

    value: float
    low: float
    high: float


class Moments(NamedTuple):
    """Sums over pages, by site: of x x' and of x y', shape (site, state, state)."""

    xx: Floats
    xy: Floats


def naive(columns: Columns) -> dict[str, Naive]:
    """Return pooled OLS, FE and HPJ on a balanced panel ordered by page and week."""
    states, site = _relative(columns, by_page=True)
    weeks = states.shape[1]
    whole, first, second = (
        _moments(states[:, span], site) for span in (slice(None), slice(weeks // 2 + 1), slice(weeks // 2, None))
    )
    halves = (_gains(first) + _gains(second)) / 2
    within = _gains(whole)
    return {
        "pooled OLS": _jackknifed(_gains(_moments(*_relative(columns, by_page=False), within=False))),
        "FE": _jackknifed(within),
        "HPJ": _jackknifed(2 * within - halves),
    }


def balanced(columns: Columns) -> bool:
    """Tell whether every page has a row, with answers, in every week."""
    pages, weeks = (np.unique(columns[name]).size for name in ("page_id", "period"))
    return len(columns["period"]) == pages * weeks and bool((columns["asked_a"] > 0).all())


def unsplit(columns: Columns) -> dict[str, NDArray[Any]]:
    """Return the panel with both halves made the mean of the two: what is left when nothing was measured twice.

    The second is larger by a billionth, because the estimator refuses halves that are one and the same.
    """
    one = dict(columns)
    for name in ("asked", *_STATES):
        one[f"{name}_a"] = (_plain(columns[f"{name}_a"]) + _plain(columns[f"{name}_b"])) / 2
        one[f"{name}_b"] = one[f"{name}_a"] * (1 + 1e-9)
    return one


def gain(transition: Floats) -> Floats:
    """Return F (I - T)^-1 e_p of matrices A, shape (…, 3, 3), F being the row of presence without its persistence."""
    again = np.zeros_like(transition)
    again[..., 0, 1:] = transition[..., 0, 1:]
    first = np.zeros((*transition.shape[:-1], 1))
    first[..., 0, 0] = 1.0
    turned: Floats = (again @ np.linalg.solve(np.eye(3) - (transition - again), first))[..., 0, 0]
    return turned


def _relative(columns: Columns, *, by_page: bool) -> tuple[Floats, NDArray[np.intp]]:
    """States over the page's mean or that of all, less the mean of topic and week, shape (page, week, state); sites."""
    weeks = np.unique(columns["period"]).size
    counts = np.stack([_plain(columns[f"{name}_a"]) + _plain(columns[f"{name}_b"]) for name in _STATES], -1)
    counts = counts.reshape(-1, weeks, len(_STATES))
    seen = (counts.mean(axis=1) > 0).all(axis=1)
    states = counts[seen] / counts[seen].mean(axis=1 if by_page else (0, 1), keepdims=True)
    topic, site = (columns[name].reshape(-1, weeks)[seen, 0] for name in ("topic", "site_id"))
    for one in np.unique(topic):
        states[topic == one] -= states[topic == one].mean(axis=0)
    return states, np.unique(site, return_inverse=True)[1]


def _moments(states: Floats, site: NDArray[np.intp], *, within: bool = True) -> Moments:
    before, after = states[:, :-1], states[:, 1:]
    if within:
        before, after = (part - part.mean(axis=1, keepdims=True) for part in (before, after))
    sums = []
    for right in (before, after):
        sums.append(np.zeros((site.max() + 1, 3, 3)))
        np.add.at(sums[-1], site, np.einsum("ntj,ntk->njk", before, right))
    return Moments(*sums)


def _gains(moments: Moments) -> Floats:
    """The gain of all sites, then without each of them, shape (1 + site,)."""
    return gain(_transitions(moments))


def _transitions(moments: Moments) -> Floats:
    """Least-squares matrices of all sites, then without each of them, shape (1 + site, to, from)."""
    xx, xy = (np.concatenate([part.sum(axis=0)[None], part.sum(axis=0) - part]) for part in moments)
    transition = np.zeros_like(xx)
    for row, movers in enumerate(_ROWS):
        columns = list(movers)
        right = xy[:, columns, row][..., None]
        transition[:, row, columns] = np.linalg.solve(xx[:, columns][:, :, columns], right)[..., 0]
    return transition


def _jackknifed(gains: Floats) -> Naive:
    value, without = gains[0], gains[1:]
    error = np.sqrt((len(without) - 1) * without.var())
    reach = stats.t.ppf(0.975, len(without) - 1) * error
    return Naive(float(value), float(value - reach), float(value + reach))


def _plain(column: NDArray[Any]) -> Floats:
    return column.astype(np.float64)
