"""Count how often the intervals of the citation rate hold what they are named after.

    python -m tests.validation.citation_rate [replications]

Every world is drawn anew for each replication, from its own seed. An interval keeps its promise when it holds its
estimand in 93-97% of them; pooled Wilson stands beside it on the same answers for the same estimand. `wide` marks
corners where the interval is known to be wider than promised: it may cover more than 97%, never less than 93%.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from geo_flywheel.estimate import Estimate, Verdict
from geo_flywheel.estimators import citation_rate
from geo_flywheel.estimators.citation_rate import Sweep
from geo_flywheel.simulate.sweeps import Draw, World, draw

REPLICATIONS = 2000
LOW, HIGH = 0.93, 0.97
MOST_FALSE = 0.05

Rate = Callable[[ArrayLike, ArrayLike], Estimate]
Truth = Callable[[Draw], float]


@dataclass(frozen=True, slots=True)
class Study:
    """One estimand in one world."""

    estimand: str
    estimate: Rate
    truth: Truth
    world: World
    wide: bool = False

    @property
    def scenario(self) -> str:
        world = self.world
        sizes = f"p={world.rate:<4g} K={world.prompts:<3d} S={world.sweeps:<2d} m={world.repeats}"
        return f"{sizes} sd={world.prompt_sd:g}/{world.sweep_sd:g}/{world.cell_sd:g} lost={world.missing:g}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What became of one study; rates are shares of the replications that gave an interval."""

    replications: int
    cover: float
    half_width: float
    wilson: float

    @property
    def error(self) -> float:
        """Monte Carlo standard error of the coverage."""
        return float(np.sqrt(self.cover * (1 - self.cover) / self.replications))

    def keeps(self, *, wide: bool) -> bool:
        """Tell whether the coverage is inside the promise by more than chance could take it out."""
        slack = 2 * float(np.sqrt(0.95 * 0.05 / self.replications)) if self.replications < REPLICATIONS else 0.0
        return LOW - slack <= self.cover <= (1.0 if wide else HIGH + slack)


def cover(study: Study, replications: int) -> Coverage:
    held, widths, pooled = [], [], []
    for seed in range(replications):
        sample = draw(study.world, seed)
        truth = study.truth(sample)
        interval = study.estimate(sample.cited, sample.asked).interval
        baseline = citation_rate.wilson(sample.cited, sample.asked).interval
        if interval is None or baseline is None:
            continue
        held.append(truth in interval)
        widths.append(interval.half_width)
        pooled.append(truth in baseline)
    return Coverage(len(held), float(np.mean(held)), float(np.mean(widths)), float(np.mean(pooled)))


def _population(sample: Draw) -> float:
    return float(sample.this_sweep[0])


def _basket(sample: Draw) -> float:
    return float(sample.this_basket[0])


def _long_run(sample: Draw) -> float:
    return sample.over_time


_sweep = partial(Study, citation_rate.THIS_SWEEP, citation_rate.this_sweep, _population)
_fixed = partial(Study, citation_rate.THIS_BASKET, citation_rate.this_basket, _basket)
_weeks = partial(Study, citation_rate.OVER_TIME, citation_rate.over_time, _long_run)

STUDIES = (
    _sweep(World(rate=0.05, prompts=20, repeats=4)),
    _sweep(World(rate=0.05, prompts=40, repeats=8, prompt_sd=1.5)),
    _sweep(World(rate=0.05, prompts=200, repeats=2, prompt_sd=1.0)),
    _sweep(World(rate=0.1, prompts=20, repeats=2, prompt_sd=1.5), wide=True),
    _sweep(World(rate=0.1, prompts=20, repeats=8, prompt_sd=1.5)),
    _sweep(World(rate=0.1, prompts=40, repeats=4)),
    _sweep(World(rate=0.1, prompts=40, repeats=8)),
    _sweep(World(rate=0.1, prompts=200, repeats=4)),
    _sweep(World(rate=0.3, prompts=20, repeats=4)),
    _sweep(World(rate=0.3, prompts=40, repeats=4, missing=0.2)),
    _sweep(World(rate=0.3, prompts=200, repeats=8, prompt_sd=1.5, sweep_sd=0.5)),
    _fixed(World(rate=0.05, prompts=20, repeats=4)),
    _fixed(World(rate=0.05, prompts=40, repeats=2, prompt_sd=1.5)),
    _fixed(World(rate=0.1, prompts=5, repeats=8)),
    _fixed(World(rate=0.1, prompts=10, repeats=4)),
    _fixed(World(rate=0.1, prompts=20, repeats=2, prompt_sd=1.5)),
    _fixed(World(rate=0.1, prompts=40, repeats=4)),
    _fixed(World(rate=0.1, prompts=40, repeats=8, prompt_sd=4.0)),
    _fixed(World(rate=0.1, prompts=200, repeats=2)),
    _fixed(World(rate=0.3, prompts=20, repeats=4, missing=0.2)),
    _fixed(World(rate=0.3, prompts=40, repeats=8)),
    _fixed(World(rate=0.3, prompts=200, repeats=4, prompt_sd=1.5)),
    _weeks(World(rate=0.1, prompts=40, sweeps=4), wide=True),
    _weeks(World(rate=0.1, prompts=200, sweeps=4, prompt_sd=1.0, sweep_sd=0.5)),
    _weeks(World(rate=0.1, prompts=40, sweeps=8)),
    _weeks(World(rate=0.1, prompts=20, sweeps=12)),
    _weeks(World(rate=0.1, prompts=40, sweeps=12)),
    _weeks(World(rate=0.1, prompts=40, sweeps=12, sweep_sd=0.5)),
    _weeks(World(rate=0.1, prompts=200, sweeps=12, sweep_sd=0.5)),
    _weeks(World(rate=0.05, prompts=40, sweeps=12, prompt_sd=1.5, sweep_sd=0.5)),
    _weeks(World(rate=0.3, prompts=40, sweeps=12, missing=0.2)),
    _weeks(World(rate=0.1, prompts=40, sweeps=26)),
    _weeks(World(rate=0.1, prompts=40, sweeps=52, repeats=2)),
    _weeks(World(rate=0.3, prompts=200, sweeps=52, repeats=2)),
)

STILL = (
    World(rate=0.05, prompts=20, repeats=8, sweeps=2, sweep_sd=0.0),
    World(rate=0.1, prompts=8, repeats=4, sweeps=2, sweep_sd=0.0),
    World(rate=0.1, prompts=40, repeats=4, sweeps=2, sweep_sd=0.0),
    World(rate=0.1, prompts=200, repeats=4, sweeps=2, sweep_sd=0.0, missing=0.2),
    World(rate=0.3, prompts=40, repeats=4, sweeps=2, sweep_sd=0.0, cell_sd=1.0),
    World(rate=0.3, prompts=40, repeats=8, sweeps=2, sweep_sd=0.0),
)
"""Worlds in which nothing moves but each prompt by itself."""


@dataclass(frozen=True, slots=True)
class Moves:
    """How often a change was called, in how far it truly moved, and how often the interval held that."""

    moved: float
    cover: float
    noise_floor: float
    truth: float


def judge(world: World, replications: int) -> Moves:
    moved, held, floors, truths = [], [], [], []
    for seed in range(replications):
        sample = draw(world, seed)
        before, after = (Sweep(sample.cited[:, week], sample.asked[:, week]) for week in (0, -1))
        verdict = citation_rate.change(before, after)
        truth = float(sample.this_sweep[-1] - sample.this_sweep[0])
        assert verdict.interval is not None
        moved.append(verdict.verdict in {Verdict.MOVED_UP, Verdict.MOVED_DOWN})
        held.append(truth in verdict.interval)
        floors.append(verdict.diagnostics["noise_floor"])
        truths.append(truth)
    return Moves(*(float(np.mean(values)) for values in (moved, held, floors, truths)))


def main(replications: int = REPLICATIONS) -> int:
    """Print the table; return 1 if an interval does not keep its promise."""
    failed = _print_rates(replications) + _print_moves(replications)
    print(f"{failed} promises not kept" if failed else "every promise kept")
    return 1 if failed else 0


def _print_rates(replications: int) -> int:
    failed = 0
    print(f"{'estimand':34} {'world':46} {'covers':>6} {'+-':>5} {'half':>5} {'pooled Wilson covers':>20}")
    for study in STUDIES:
        result = cover(study, replications)
        kept = result.keeps(wide=study.wide)
        failed += not kept
        mark = ("wide" if study.wide else "") if kept else "NOT KEPT"
        numbers = f"{result.cover:6.3f} {result.error:5.3f} {result.half_width:5.3f} {result.wilson:20.3f}"
        print(f"{study.estimand:34} {study.scenario:46} {numbers} {mark}")
    return failed


def _print_moves(replications: int) -> int:
    failed = 0
    print(f"\n{'change between two sweeps':46} {'step':>5} {'moves by':>8} {'called':>6} {'covers':>6} {'floor':>5}")
    for still in STILL:
        for step in (0.0, 0.5, 1.0):
            world = World(**{name: getattr(still, name) for name in World.__slots__} | {"step": step})
            result = judge(world, replications)
            slack = 2 * float(np.sqrt(MOST_FALSE * (1 - MOST_FALSE) / replications))
            kept = step > 0 or result.moved <= MOST_FALSE + slack
            failed += not kept
            scenario = Study("", citation_rate.wilson, _long_run, still).scenario
            numbers = (
                f"{step:5.1f} {result.truth:8.3f} {result.moved:6.3f} {result.cover:6.3f} {result.noise_floor:5.3f}"
            )
            print(f"{scenario:46} {numbers} {'' if kept else 'NOT KEPT'}")
    return failed


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
