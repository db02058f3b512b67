"""Count how often the intervals of the citation rate hold what they are named after.

    python -m tests.validation.citation_rate [replications]

Every replication draws its world anew from its own seed. An interval keeps its promise when it holds its estimand in
93-97% of them; pooled Wilson stands beside it, on the same answers for the same estimand. Corners in which an interval
is known to promise something else say so in their own limits, which the table shows.

A change is to be called in 5% of the pairs of sweeps that did not move; a share above it is a broken promise from three
Monte Carlo standard errors on, since six worlds are tried.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from geo_flywheel.estimate import Estimate, Verdict
from geo_flywheel.estimate.answers import Sweep
from geo_flywheel.estimators import citation_rate
from geo_flywheel.simulate.sweeps import Draw, World, draw

REPLICATIONS = 2000
MOST_FALSE = 0.05
STEPS = (0.0, 0.5, 1.0)
BROKEN = "NOT KEPT"


@dataclass(frozen=True, slots=True)
class Study:
    """One estimand in one world, and the coverage promised for it."""

    estimand: str
    estimate: Callable[[ArrayLike, ArrayLike], Estimate]
    truth: Callable[[Draw], float]
    world: World
    low: float = 0.93
    high: float = 0.97

    def kept(self, coverage: "Coverage") -> bool:
        """Tell whether the promise is kept, allowing for chance where there are fewer replications than promised."""
        count = coverage.replications
        slack = 0.0 if count >= REPLICATIONS else 3 * chance(0.95, count)
        return self.low - slack <= coverage.cover <= self.high + slack


@dataclass(frozen=True, slots=True)
class Coverage:
    """What became of one study."""

    replications: int
    cover: float
    half_width: float
    wilson: float


def chance(share: float, replications: int) -> float:
    """Return the Monte Carlo standard error of a share."""
    return float(np.sqrt(share * (1 - share) / replications))


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
    _sweep(World(rate=0.05, prompts=20, repeats=4), high=0.98),
    _sweep(World(rate=0.05, prompts=40, repeats=8, prompt_sd=1.5)),
    _sweep(World(rate=0.05, prompts=200, repeats=2, prompt_sd=1.0)),
    _sweep(World(rate=0.1, prompts=20, repeats=2, prompt_sd=1.5), high=0.98),
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
    _weeks(World(rate=0.1, prompts=40, sweeps=4), high=0.99),
    _weeks(World(rate=0.1, prompts=200, sweeps=4, prompt_sd=1.0, sweep_sd=0.5)),
    _weeks(World(rate=0.1, prompts=40, sweeps=8)),
    _weeks(World(rate=0.1, prompts=10, sweeps=12)),
    _weeks(World(rate=0.1, prompts=20, sweeps=12)),
    _weeks(World(rate=0.05, prompts=20, sweeps=12, prompt_sd=1.5, sweep_sd=0.5)),
    _weeks(World(rate=0.1, prompts=5, sweeps=12), high=1.0),
    _weeks(World(rate=0.3, prompts=10, sweeps=26)),
    _weeks(World(rate=0.3, prompts=5, sweeps=12), high=0.98),
    _weeks(World(rate=0.3, prompts=40, sweeps=8), high=0.98),
    _weeks(World(rate=0.1, prompts=40, sweeps=12)),
    _weeks(World(rate=0.1, prompts=40, sweeps=12, sweep_sd=0.5)),
    _weeks(World(rate=0.1, prompts=200, sweeps=12, sweep_sd=0.5)),
    _weeks(World(rate=0.05, prompts=40, sweeps=12, prompt_sd=1.5, sweep_sd=0.5)),
    _weeks(World(rate=0.3, prompts=40, sweeps=12, missing=0.2)),
    _weeks(World(rate=0.1, prompts=40, sweeps=26)),
    _weeks(World(rate=0.2, prompts=40, sweeps=26)),
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

SWINGING = tuple(replace(world, sweep_sd=0.35) for world in STILL[2:4])
"""Worlds whose prompts swing together, so that every sweep truly differs from the one before: nothing is promised."""


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
    """Print the tables; return 1 if a promise is not kept."""
    broken = 0
    for line in (*rate_table(replications), "", *change_table(replications)):
        broken += line.endswith(BROKEN)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    sys.stdout.write(f"promises not kept: {broken}\n")
    return 1 if broken else 0


def rate_table(replications: int) -> Iterator[str]:
    yield f"{'estimand':34}{'world':47}{'covers':>6} {'+-':>5} {'half':>5} {'Wilson':>7}  promise"
    for study in STUDIES:
        result = cover(study, replications)
        numbers = f"{result.cover:6.3f} {chance(result.cover, replications):5.3f} {result.half_width:5.3f}"
        promise = f"{study.low:.2f}-{study.high:.2f} {'' if study.kept(result) else BROKEN}".rstrip()
        yield f"{study.estimand:34}{described(study.world):47}{numbers} {result.wilson:7.3f}  {promise}"


def change_table(replications: int) -> Iterator[str]:
    yield f"{'change between two sweeps':47}{'step':>4} {'moves by':>8} {'called':>6} {'covers':>6} {'floor':>5}"
    for world in (*STILL, *SWINGING):
        for step in STEPS:
            result = judge(replace(world, step=step), replications)
            numbers = f"{result.truth:8.3f} {result.moved:6.3f} {result.cover:6.3f} {result.noise_floor:5.3f}"
            still = step == 0 and world in STILL
            false = still and result.moved > MOST_FALSE + 3 * chance(MOST_FALSE, replications)
            promise = "" if not still else f"called <= {MOST_FALSE} {BROKEN if false else ''}".rstrip()
            yield f"{described(world):47}{step:4.1f} {numbers}  {promise}".rstrip()


def described(world: World) -> str:
    sizes = f"p={world.rate:<4g} K={world.prompts:<3d} S={world.sweeps:<2d} m={world.repeats}"
    return f"{sizes} sd={world.prompt_sd:g}/{world.sweep_sd:g}/{world.cell_sd:g} lost={world.missing:g}"


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
