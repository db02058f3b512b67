from dataclasses import replace

import numpy as np
import pytest

from geo_flywheel.simulate.excitation import World, excited

_STEADY = World(drift=False, spread=0.0, pages=400, periods=100)


@pytest.mark.parametrize("branching", [0.0, 0.4, 0.8])
def test_the_kernel_sums_to_the_branching_ratio(branching: float) -> None:
    kernel = World(branching=branching).kernel
    assert kernel.sum() == pytest.approx(branching)
    assert (np.diff(kernel) <= 0).all()


@pytest.mark.parametrize("branching", [0.0, 0.4])
def test_a_steady_stream_has_the_mean_of_a_branching_process(branching: float) -> None:
    events = excited(replace(_STEADY, branching=branching), 3)["events"]
    assert events.mean() == pytest.approx(1 / (1 - branching), rel=0.03)


def test_events_follow_events_by_the_stated_kernel() -> None:
    """A regression on the past, which is right where the base is constant, finds the kernel."""
    world = replace(_STEADY, branching=0.4)
    events = excited(world, 3)["events"].reshape(world.pages, -1).astype(float)
    lags = world.lags
    past = np.stack([events[:, lags - lag : events.shape[1] - lag] for lag in range(1, lags + 1)], -1)
    rows = np.column_stack([np.ones(past.size // lags), past.reshape(-1, lags)])
    found = np.linalg.lstsq(rows, events[:, lags:].ravel())[0][1:]
    assert found == pytest.approx(world.kernel, abs=0.03)


def test_drift_moves_the_base_of_all_pages_together() -> None:
    def weekly_swing(world: World) -> float:
        total = excited(world, 3)["events"].reshape(world.pages, -1).sum(axis=0)
        return float(total.std() / total.mean())

    assert weekly_swing(replace(_STEADY, branching=0.0, drift=True)) > 0.2
    assert weekly_swing(replace(_STEADY, branching=0.0)) < 0.1


def test_a_thinned_stream_records_the_stated_share() -> None:
    whole, thinned = excited(_STEADY, 3), excited(replace(_STEADY, seen=0.3), 3)
    assert (thinned["events"] <= whole["events"]).all()
    assert thinned["events"].sum() / whole["events"].sum() == pytest.approx(0.3, abs=0.02)
    assert whole["period"].min() == -_STEADY.lags
    assert whole["period"].max() == _STEADY.periods - 1
