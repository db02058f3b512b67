"""A slice of the study that runs every day, and with `-m validate` the twenty seeds of the demo."""

from dataclasses import replace
from pathlib import Path

import pytest

from geo_flywheel.estimate import Estimate, Verdict
from geo_flywheel.estimators.loop_gain import LoopGain
from geo_flywheel.simulate import attachment
from geo_flywheel.simulate.market import WORLDS, Market, World
from geo_flywheel.simulate.panels import observed
from tests.validation import __main__ as study
from tests.validation.cells import NAMED
from tests.validation.judging import POSITIVE
from tests.validation.replicating import panel_of, replicate

_NO_LOOP = ("fitness", "open", "reversed", "hidden")
_REINFORCING = (Verdict.FADING, Verdict.OPEN)
_SEEDS = range(20)


def _fitted(world: World, seed: int) -> Estimate:
    return LoopGain(seed=seed, beside=False).fit(panel_of(observed(Market(world, seed))))


def _holds(estimate: Estimate, truth: float) -> bool:
    return estimate.interval is not None and truth in estimate.interval


@pytest.mark.parametrize("seed", _SEEDS[:2])
def test_the_demo_finds_its_true_gain(seed: int) -> None:
    estimate = _fitted(WORLDS["loop"], seed)
    assert estimate.value == pytest.approx(0.5, abs=0.12)
    assert _holds(estimate, 0.5)
    assert estimate.verdict in _REINFORCING


@pytest.mark.parametrize("name", _NO_LOOP)
def test_no_loop_is_seen_where_there_is_none(name: str) -> None:
    assert _fitted(WORLDS[name], 0).verdict not in POSITIVE


def test_a_common_cause_and_arrows_reversed_are_called_what_they_are() -> None:
    assert _fitted(WORLDS["reversed"], 1).verdict is Verdict.OTHER_ORDER
    assert _fitted(WORLDS["hidden_some"], 1).verdict is Verdict.OTHER_ORDER


def test_entries_exits_robots_and_missed_sweeps_leave_the_gain_where_it_is() -> None:
    turning = replace(WORLDS["turnover"], plan=replace(WORLDS["turnover"].plan, closing=0.1))
    estimate = LoopGain(seed=1, beside=False).fit(panel_of(observed(Market(turning, 1), missing=0.01)))
    assert _holds(estimate, 0.5)
    assert estimate.verdict in _REINFORCING


def test_a_replication_of_attachment_holds_its_exponent_and_quality_is_taken_for_contagion_without_frailty() -> None:
    cell = replace(NAMED[-3], world=attachment.World(alpha=0.0, incumbents=100, entrants=200, cells=300))
    row = replicate(cell, 3)
    assert row["low"] <= 0 <= row["high"]
    assert row["naive"]["without quality"][1] > 0.1


def test_a_study_is_taken_up_where_it_was_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(study, "KEPT", tmp_path)
    monkeypatch.setattr(study, "PAGE", tmp_path / "validation.md")
    monkeypatch.setattr(study, "ROOT", tmp_path)
    some = ["--cells", "alpha-100", "--jobs", "1"]
    study.main([*some, "--replications", "1"])
    kept = (tmp_path / "alpha-100.jsonl").read_text()
    study.main([*some, "--replications", "2"])
    grown = (tmp_path / "alpha-100.jsonl").read_text()
    assert grown.startswith(kept)
    assert grown.count("\n") == 2
    assert study.main([*some, "--replications", "2", "--page-only"]) == 0
    assert (tmp_path / "alpha-100.jsonl").read_text() == grown


def test_the_page_says_what_made_it_and_on_how_many_replications(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(study, "KEPT", tmp_path)
    assert study.main(["--cells", "alpha-100", "--jobs", "1", "--replications", "2", "--minutes", "0"]) == 1
    assert "0 of 1 cells, 0 replications each of 2 wanted: **the study is not finished**" in capsys.readouterr().out
    study.main(["--cells", "alpha-100", "--jobs", "1", "--replications", "2", "--seed", "5"])
    said = capsys.readouterr().out
    assert "seed 5: 1 of 1 cells, 2 replications each." in said
    assert "| alpha-100 | entrants, alpha = 1: they starve | coverage | - ± - | 0.90 to 0.99 | refuses |" in said


@pytest.mark.validate
def test_over_twenty_seeds_of_the_demo_sixteen_intervals_cover_and_sixteen_verdicts_are_reinforcing() -> None:
    found = [_fitted(WORLDS["loop"], seed) for seed in _SEEDS]
    assert sum(_holds(one, 0.5) for one in found) >= 16
    assert sum(one.verdict in _REINFORCING for one in found) >= 16


@pytest.mark.validate
@pytest.mark.parametrize("name", [*_NO_LOOP, "hidden_some"])
def test_over_twenty_seeds_no_loop_is_seen_where_there_is_none(name: str) -> None:
    assert not [seed for seed in _SEEDS if _fitted(WORLDS[name], seed).verdict in POSITIVE]
