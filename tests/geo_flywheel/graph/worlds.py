"""Graphs written out by hand, and worlds whose truth is stated."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from geo_flywheel.graph.network import NOBODY, Cells, Engine, Floats, Graph, Ints, Links, Presence, Ties

MONDAY = date(2026, 1, 5)
ALPHA, BETA = Engine("alpha", "api"), Engine("beta", "api")
Asked = Mapping[tuple[Engine, int, int], tuple[float, Mapping[int, float]]]
"""By engine, week and prompt: answers asked, and of these how many cite each unit."""


def whole(values: Sequence[int]) -> Ints:
    return np.array(values, np.int32)


def graph(asked: Asked, units: int, *, running: bool = False) -> Graph:
    """A graph of pages that are sites of their own."""
    engines = tuple(sorted({key[0] for key in asked}))
    weeks = sorted({week for _, week, _ in asked})
    keys = sorted(asked, key=lambda key: (engines.index(key[0]), key[1], key[2]))
    cells = Cells(
        engine=whole([engines.index(engine) for engine, _, _ in keys]),
        snapshot=whole([weeks.index(week) for _, week, _ in keys]),
        prompt=whole([prompt for _, _, prompt in keys]),
        asked=np.array([asked[key][0] for key in keys], np.float64),
    )
    rows = [(cell, unit, seen) for cell, key in enumerate(keys) for unit, seen in sorted(asked[key][1].items())]
    cited = Ties(
        whole([row[0] for row in rows]), whole([row[1] for row in rows]), np.array([row[2] for row in rows], float)
    )
    none = Ties(whole([]), whole([]), np.empty(0))
    prompts = 1 + max((prompt for _, _, prompt in asked), default=NOBODY)
    nowhere = Presence(whole([]), whole([]), whole([]), np.empty(0, np.int8), np.empty(0, "datetime64[D]"))
    return Graph(
        engines=engines,
        snapshots=tuple(MONDAY + timedelta(weeks=week) for week in weeks),
        running=running,
        prompts=[f"p{n}" for n in range(prompts)],
        questions=[f"question {n}" for n in range(prompts)],
        pages=[f"https://site{n}.example/" for n in range(units)],
        site_of=whole(list(range(units))),
        sites=[f"site{n}.example" for n in range(units)],
        queries=[],
        corpora=[],
        cells=cells,
        cited=cited,
        cited_sites=cited,
        retrieved=none,
        fan_out=none,
        presence=nowhere,
        links=Links(whole([]), whole([]), np.empty(0, "datetime64[D]"), np.empty(0, "datetime64[D]")),
    )


def fading(  # noqa: PLR0913 - a world has its parts
    seed: int,
    *,
    half_life: float = 6.0,
    prompts: int = 30,
    weeks: int = 24,
    answers: int = 2,
    gaps: float = 0.0,
    chance: tuple[float, float] = (2, 3),
    drift: float = 0.0,
) -> Graph:
    """Ties that begin at any time, last for exponential times, and are seen in each answer by a chance of their own.

    Args:
        seed: Of all draws.
        half_life: Weeks after which half of the ties are lost.
        answers: Asked of each prompt in each week, but for a share `gaps` of the weeks.
        chance: Parameters of the Beta distribution of the chance.
        drift: Share of the chance lost with each week.
    """
    rng = np.random.default_rng(seed)
    per_prompt = 25
    birth = rng.uniform(-20, weeks, (prompts, per_prompt))
    death = birth + rng.exponential(half_life / np.log(2), birth.shape)
    rate = rng.beta(*chance, birth.shape)
    asked = {}
    for week in range(weeks):
        for prompt in np.flatnonzero(rng.random(prompts) >= gaps):
            alive = (birth[prompt] <= week) & (week < death[prompt])
            fallen = rate[prompt] * (1 - drift) ** np.maximum(week - birth[prompt], 0)
            seen: Floats = rng.binomial(answers, fallen) * alive
            asked[ALPHA, week, int(prompt)] = (answers, {int(n): float(seen[n]) for n in np.flatnonzero(seen)})
    return graph(asked, per_prompt)
