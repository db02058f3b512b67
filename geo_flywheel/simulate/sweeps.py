"""Seeded sweeps of a prompt basket in a world whose citation rates are known.

    logit p[prompt, sweep] = location + prompt effect + sweep effect + effect of this prompt in this sweep + step
    cited[prompt, sweep]   ~ Binomial(asked[prompt, sweep], p[prompt, sweep])

All effects are normal. The sweep effect is shared by every prompt of a sweep, which is what makes answers of one sweep
resemble each other; the other two make repeats of one prompt resemble each other.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_NODES, _WEIGHTS = hermegauss(64)


@dataclass(frozen=True, slots=True)
class World:
    """A market of answers, by its sizes.

    Attributes:
        rate: Long-run citation rate over the population of prompts and sweeps, in (0, 1), without the step.
        prompts: Prompts in the basket, drawn from the population.
        sweeps: Sweeps, one after the other.
        repeats: Times each prompt is asked in each sweep.
        prompt_sd: Standard deviation of the lasting prompt effect, logit scale.
        sweep_sd: Standard deviation of the effect common to one sweep, logit scale.
        cell_sd: Standard deviation of the effect of one prompt in one sweep, shared by its repeats, logit scale.
        missing: Share of asks that fail and are not counted as asked.
        step: Added to the logit from the middle sweep on.
    """

    rate: float = 0.1
    prompts: int = 40
    sweeps: int = 1
    repeats: int = 4
    prompt_sd: float = 1.25
    sweep_sd: float = 0.35
    cell_sd: float = 0.5
    missing: float = 0.0
    step: float = 0.0


@dataclass(frozen=True, slots=True)
class Draw:
    """What was seen, and the truths it is a sample of.

    Attributes:
        cited: Answers that cite the site, shape (prompt, sweep).
        asked: Answers, same shape; 0 where nothing was asked.
        this_sweep: Rate of each sweep over the population of prompts, shape (sweep,).
        this_basket: Rate of each sweep over the answers of this basket, shape (sweep,); 0 where nothing was asked.
        change: From the first sweep to the last, mean over this basket of the change of each prompt's rate.
        over_time: Rate over the population of prompts and sweeps.
    """

    cited: Counts
    asked: Counts
    this_sweep: Floats
    this_basket: Floats
    change: float
    over_time: float


def draw(world: World, seed: int) -> Draw:
    """Return one seeded sample of the world together with its truths."""
    rng = np.random.default_rng(seed)
    shape = (world.prompts, world.sweeps)
    levels = _location(world) + rng.normal(0.0, world.sweep_sd, world.sweeps) + _steps(world)
    prompt = rng.normal(0.0, world.prompt_sd, (world.prompts, 1))
    probability: Floats = expit(levels + prompt + rng.normal(0.0, world.cell_sd, shape))
    asked = rng.binomial(world.repeats, 1.0 - world.missing, shape)
    totals = np.maximum(asked.sum(axis=0), 1)
    return Draw(
        cited=rng.binomial(asked, probability),
        asked=asked,
        this_sweep=logit_normal_mean(levels, float(np.hypot(world.prompt_sd, world.cell_sd))),
        this_basket=(asked * probability).sum(axis=0) / totals,
        change=float((probability[:, -1] - probability[:, 0]).mean()),
        over_time=float(logit_normal_mean(_location(world) + _steps(world), _total_sd(world)).mean()),
    )


def logit_normal_mean(location: Floats | float, sd: float) -> Floats:
    """Return the mean of expit(location + sd * standard normal), by 64-point Gauss-Hermite quadrature."""
    values: Floats = expit(np.asarray(location)[..., None] + sd * _NODES)
    return np.asarray(values @ _WEIGHTS / _WEIGHTS.sum())


def _total_sd(world: World) -> float:
    return float(np.sqrt(world.prompt_sd**2 + world.sweep_sd**2 + world.cell_sd**2))


def _steps(world: World) -> Floats:
    return np.where(np.arange(world.sweeps) >= world.sweeps / 2, world.step, 0.0)


@lru_cache(maxsize=256)
def _location(world: World) -> float:
    """Find by bisection the logit at which the world's mean rate is the one it states."""
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        too_low = logit_normal_mean(middle, _total_sd(world)) < world.rate
        low, high = (middle, high) if too_low else (low, middle)
    return (low + high) / 2
