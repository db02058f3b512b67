"""What makes rates differ: variance by prompt, period, engine and their interactions, and between repeated answers."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geo_flywheel.errors import EstimateError, NotIdentified

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Names = frozenset[str]

ANSWER = "answer"
_FEWEST = 2


class _Pairs(NamedTuple):
    """Sums over pairs of cells: how many, half their squared differences, and what of that is chance of answers."""

    number: float
    squares: float
    chance: float


def variance_components(cited: ArrayLike, asked: ArrayLike, factors: Mapping[str, ArrayLike]) -> dict[str, float]:
    """Split the variance of the rates of cells by what their pairs have in common.

    Args:
        cited: Answers that cite, shape (cell,).
        asked: Answers, same shape; cells with fewer than 2 show no chance of their own and are left out.
        factors: Labels of each cell by name, each of shape (cell,); together they tell all cells apart.

    Returns:
        Variance of each factor and each interaction, named "prompt", "prompt x period" and so on in the order of
        `factors`, and under "answer" the variance of one answer of a cell. Moment estimates: one that is truly 0 comes
        out below 0 half of the time. A factor that has one level is left out.

    Raises:
        EstimateError: If the counts are no counts, or cells are not told apart.
        NotIdentified: If too few cells were asked twice, or no two cells share one factor and not the others.

    Source:
        Analysis of variance by moments in the form of U-statistics over pairs, unbiased however many cells are missing
        (Searle, Casella and McCulloch 1992, Variance Components, section 5.3, for the idea).
    """
    y, chance, one_answer, codes = _cells(cited, asked, factors)
    subsets = [frozenset(names) for size in range(len(codes) + 1) for names in combinations(codes, size)]
    sharing = {names: _sharing(y, chance, [codes[name] for name in names]) for names in subsets}
    whole = subsets[-1]
    if sharing[whole].number:
        raise EstimateError("two cells have the same factors; sum them into one")
    explained = {names: _difference(sharing, names) for names in subsets[:-1]}
    total = explained[frozenset()]
    common = {names: total - explained.get(names, 0.0) for names in subsets}
    found = {_name(names, codes): _alternating(common, names) for names in subsets[1:]}
    return found | {ANSWER: one_answer}


def _cells(
    cited: ArrayLike, asked: ArrayLike, factors: Mapping[str, ArrayLike]
) -> tuple[Floats, Floats, float, dict[str, Whole]]:
    """Rates of the cells that were asked twice, the chance in each, that of one answer, and numbered factors."""
    hits, asks = np.asarray(cited, np.float64), np.asarray(asked, np.float64)
    if hits.ndim != 1 or hits.shape != asks.shape or (hits < 0).any() or (hits > asks).any():
        raise EstimateError("cited and asked are counts of the same cells, cited at most asked")
    used = asks >= _FEWEST
    if used.sum() <= _FEWEST:
        raise NotIdentified("fewer than three cells were asked twice: repeat prompts to see how much answers differ")
    y, m = hits[used] / asks[used], asks[used]
    of_answer = y * (1 - y) * m / (m - 1)
    numbered = {name: pd.factorize(np.asarray(labels)[used])[0] for name, labels in factors.items()}
    kept = {name: codes.astype(np.int64) for name, codes in numbered.items() if codes.max() > 0}
    return y, of_answer / m, float(of_answer.mean()), kept


def _sharing(y: Floats, chance: Floats, codes: list[Whole]) -> _Pairs:
    """Sum over the pairs of cells that share at least these factors."""
    group = np.zeros(y.size, np.int64)
    for code in codes:
        group, _ = pd.factorize(group * (int(code.max()) + 1) + code)
    size = np.bincount(group)
    sums, squares, chances = (np.bincount(group, values) for values in (y, y * y, chance))
    half_squares = float((size * squares - sums**2).sum()) / 2
    return _Pairs(float((size * (size - 1)).sum()) / 2, half_squares, float(((size - 1) * chances).sum()) / 2)


def _difference(sharing: Mapping[Names, _Pairs], names: Names) -> float:
    """Half the mean squared difference, less chance, of pairs that share exactly these factors."""
    number, squares, chance = (sum(sign * sharing[more][n] for more, sign in _above(sharing, names)) for n in range(3))
    if number < 1:
        raise NotIdentified(
            f"no two cells share {' and '.join(sorted(names)) or 'nothing'} and nothing else: factors that lie within"
            " each other cannot be told apart"
        )
    return (squares - chance) / number


def _above(sharing: Mapping[Names, _Pairs], names: Names) -> Iterator[tuple[Names, int]]:
    """All sets with these factors and more, with the sign of inclusion and exclusion."""
    return ((more, (-1) ** len(more - names)) for more in sharing if more >= names)


def _alternating(common: Mapping[Names, float], names: Names) -> float:
    """What pairs have in common by sharing these factors and no fewer."""
    return sum(float((-1) ** len(names - fewer)) * value for fewer, value in common.items() if fewer <= names)


def _name(names: Names, order: Mapping[str, Whole]) -> str:
    return " x ".join(name for name in order if name in names)
