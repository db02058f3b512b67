import numpy as np
import pytest

from geo_flywheel.errors import EstimateError, NotIdentified
from geo_flywheel.estimate.components import variance_components

SHAPE = (40, 12, 3)


def cells(seed: int, *, missing: float = 0.0) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Prompts with sd .1, periods .05, prompt x period .06; engines alike."""
    rng = np.random.default_rng(seed)
    prompts, periods, _ = SHAPE
    p = 0.35 + rng.normal(0, 0.1, (prompts, 1, 1)) + rng.normal(0, 0.05, (1, periods, 1))
    p = np.clip(p + rng.normal(0, 0.06, (prompts, periods, 1)), 0, 1) * np.ones(SHAPE)
    seen = rng.random(SHAPE) >= missing
    names = dict(zip(("prompt", "period", "engine"), (axis[seen] for axis in np.indices(SHAPE)), strict=True))
    return rng.binomial(4, p)[seen], np.full(seen.sum(), 4), names


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_the_components_put_in_come_back_on_average_however_many_cells_are_missing(missing: float) -> None:
    found = [variance_components(*cells(seed, missing=missing)) for seed in range(60)]
    mean = {name: np.mean([one[name] for one in found]) for name in found[0]}
    assert mean["prompt"] == pytest.approx(0.01, abs=0.001)
    assert mean["period"] == pytest.approx(0.0025, abs=0.0007)
    assert mean["prompt x period"] == pytest.approx(0.0036, abs=0.0007)
    for name in ("engine", "prompt x engine", "period x engine", "prompt x period x engine"):
        assert mean[name] == pytest.approx(0, abs=0.001)
    assert mean["answer"] == pytest.approx(0.35 * 0.65 - 0.0161, abs=0.003)


def test_the_balanced_case_is_the_textbook_analysis_of_variance() -> None:
    rng = np.random.default_rng(1)
    cited = rng.binomial(8, rng.beta(2, 5, (9, 7)))
    row, column = np.indices(cited.shape)
    found = variance_components(cited.ravel(), np.full(63, 8), {"prompt": row.ravel(), "period": column.ravel()})
    y = cited / 8
    residual = y - y.mean(1, keepdims=True) - y.mean(0) + y.mean()
    both = (residual**2).sum() / (8 * 6)
    assert found["prompt"] == pytest.approx(y.mean(1).var(ddof=1) - both / 7)
    assert found["period"] == pytest.approx(y.mean(0).var(ddof=1) - both / 9)
    assert found["prompt x period"] == pytest.approx(both - (y * (1 - y) / 7).mean())


def test_a_factor_of_one_level_is_left_out_and_order_does_not_matter() -> None:
    cited, asked, names = cells(2, missing=0.2)
    one = names["engine"] == 0
    only = {name: labels[one] for name, labels in names.items()}
    found = variance_components(cited[one], asked[one], only)
    assert set(found) == {"prompt", "period", "prompt x period", "answer"}
    order = np.random.default_rng(0).permutation(one.sum())
    mixed = variance_components(
        cited[one][order], asked[one][order], {n: v[order].astype(str) for n, v in only.items()}
    )
    assert mixed == pytest.approx(found)


def test_prompts_asked_once_are_refused() -> None:
    with pytest.raises(NotIdentified, match="repeat prompts"):
        variance_components([1, 0, 1], [1, 1, 1], {"prompt": [1, 2, 3]})


def test_factors_within_each_other_are_refused() -> None:
    with pytest.raises(NotIdentified, match="nothing else"):
        variance_components([1, 2, 3, 1], [4] * 4, {"page": [0, 0, 1, 1], "site": [0, 0, 1, 1], "period": [0, 1, 0, 1]})


def test_cells_that_are_not_told_apart_and_counts_that_cannot_be_are_errors() -> None:
    with pytest.raises(EstimateError, match="sum them"):
        variance_components([1, 2, 3], [4, 4, 4], {"prompt": [0, 0, 1]})
    with pytest.raises(EstimateError, match="cited at most asked"):
        variance_components([5, 2, 3], [4, 4, 4], {"prompt": [0, 1, 2]})
