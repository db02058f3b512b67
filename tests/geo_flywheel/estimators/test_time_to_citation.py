import numpy as np
import pandas as pd
import pytest

from geo_flywheel.errors import EstimateError
from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimators.time_to_citation import ESTIMATOR
from geo_flywheel.panel import checked
from geo_flywheel.simulate.attachment import World, grown

PAGES, WEEKS = 300, 30


def hazards(seed: int, *, newcomer: float, before: float, sites: int = 60) -> pd.DataFrame:
    """Half of the pages enter in weeks 1 to 20; all are cited each week with a chance of their kind."""
    rng = np.random.default_rng(seed)
    entered = np.where(np.arange(PAGES) < PAGES // 2, 0, rng.integers(1, 21, PAGES))
    page, week = (axis.ravel() for axis in np.indices((PAGES, WEEKS)))
    chance = np.where(entered[page] > 0, newcomer, before)
    cited = (rng.random(page.size) < chance).astype(int)
    frame = pd.DataFrame({
        "page_id": page, "site_id": page % sites, "topic": page % 2, "period": week,
        "asked_a": 10, "cited_a": cited, "asked_b": 10, "cited_b": 0,
    })  # fmt: skip
    return frame[week >= entered[page]]


def part(estimate: Estimate, name: str) -> Estimate:
    return next(found for found in estimate.parts if found.quantity == name)


def limits(estimate: Estimate) -> Interval:
    assert estimate.interval is not None, estimate.reason
    return estimate.interval


@pytest.mark.parametrize(("newcomer", "before"), [(0.1, 0.1), (0.05, 0.15)])
def test_the_ratio_of_hazards_put_in_is_found_and_covered(newcomer: float, before: float) -> None:
    true = np.log1p(-newcomer) / np.log1p(-before)
    found = [ESTIMATOR.fit(checked(hazards(seed, newcomer=newcomer, before=before))) for seed in range(12)]
    assert np.mean([np.log(e.value) for e in found if e.value]) == pytest.approx(np.log(true), abs=0.1)
    assert sum(true in limits(estimate) for estimate in found) >= 10


def test_waits_are_those_of_kaplan_and_meier_by_lifelines() -> None:
    lifelines = pytest.importorskip("lifelines", reason="lifelines is the oracle here")
    frame = hazards(1, newcomer=0.06, before=0.2)
    estimate = ESTIMATOR.fit(checked(frame))
    new = frame[frame["page_id"] >= PAGES // 2].sort_values("period").groupby("page_id")["cited_a"]
    waits = new.apply(lambda cited: int(cited.to_numpy().argmax()) + 1 if cited.any() else len(cited))
    oracle = lifelines.KaplanMeierFitter().fit(waits, new.any())
    for periods in (1, 4, 13, 26):
        assert part(estimate, f"cited_within[{periods}]").value == pytest.approx(1 - oracle.predict(periods))
    assert part(estimate, "median_wait").value == oracle.median_survival_time_
    assert 1 - 0.94**4 in limits(part(estimate, "cited_within[4]"))
    assert np.log(0.5) / np.log(0.94) in limits(part(estimate, "median_wait"))


def test_where_citations_bring_none_newcomers_are_cited_as_soon_and_where_they_do_they_wait() -> None:
    alike = ESTIMATOR.fit(checked(pd.DataFrame(grown(World(alpha=0), 0).columns)))
    assert 1 in limits(alike)
    cold = ESTIMATOR.fit(checked(pd.DataFrame(grown(World(alpha=0.5), 0).columns)))
    assert limits(cold).high < 1
    assert cold.reason == "newcomers wait longer than pages there before"


def test_periods_without_an_ask_are_not_waited_in() -> None:
    frame = hazards(2, newcomer=0.1, before=0.1)
    first = frame.groupby("page_id")["period"].transform("min")
    silent = (frame["period"] % 3 == 2) & (frame["period"] > first)
    counts = ["asked_a", "asked_b", "cited_a", "cited_b"]
    blank = frame.assign(**{name: frame[name].where(~silent, 0) for name in counts})
    estimates = [ESTIMATOR.fit(checked(rows)) for rows in (blank, frame[~silent], frame)]
    assert estimates[0].value == pytest.approx(estimates[1].value)
    assert estimates[0].value != pytest.approx(estimates[2].value)


def test_what_cannot_be_told_is_said() -> None:
    frame = hazards(3, newcomer=0.1, before=0.1)
    there = frame[frame["page_id"] < PAGES // 2]
    nobody = ESTIMATOR.fit(checked(there))
    assert (nobody.value, nobody.verdict, nobody.parts) == (None, Verdict.TOO_FEW, ())
    assert "needs 30 pages that enter" in nobody.reason
    alone = ESTIMATOR.fit(checked(pd.concat([frame[frame["page_id"] >= PAGES // 2], there.head(1).assign(topic=9)])))
    assert alone.value is None
    assert "no page there before to compare with" in alone.reason
    assert part(alone, "cited_within[4]").interval is not None
    cited = ESTIMATOR.fit(checked(frame, "cited pages"))
    assert (cited.value, cited.verdict) == (None, Verdict.CANNOT_TELL)
    few = ESTIMATOR.fit(checked(frame.assign(site_id=frame["page_id"] % 4)))
    assert (few.interval, few.verdict) == (None, Verdict.TOO_FEW)
    with pytest.raises(EstimateError, match="no column cited_b"):
        ESTIMATOR.fit(checked(frame.drop(columns="cited_b")))


def test_neither_order_nor_names_nor_engines_matter() -> None:
    frame = hazards(4, newcomer=0.1, before=0.2)
    one = ESTIMATOR.fit(checked(frame))
    mixed = frame.sample(frac=1, random_state=1).assign(
        page_id=lambda f: "p" + (2000 - f["page_id"]).astype(str), topic=lambda f: "t" + f["topic"].astype(str)
    )
    engines = pd.concat([mixed.assign(engine="x", cited_a=0), mixed.assign(engine="y")])
    for other in (ESTIMATOR.fit(checked(mixed)), ESTIMATOR.fit(checked(engines))):
        assert other.value == pytest.approx(one.value)
        assert [p.value for p in other.parts] == pytest.approx([p.value for p in one.parts])
