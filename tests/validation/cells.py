"""The worlds in which the estimators are put to the proof, by name, with what is promised in each.

The 24 named cells are those of the design's result tables and the corners of its grid; `BEYOND` are worlds in which
pages, sweeps, robots.txt and models change; `full_grid` is the whole grid.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from geo_flywheel.simulate import attachment
from geo_flywheel.simulate.market import WORLDS, World

Promise = Literal["number", "lower limit", "no loop", "gate power", "none", "exponent"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A world whose truth is stated, and what the estimator promises in it.

    Attributes:
        promises: "number": small bias and right coverage; "lower limit": the lower limit holds; "no loop": no loop is
            reported; "gate power": the exclusion gate rejects; "exponent": small bias; "none": shown, not judged.
        crawlers: Crawlers of which only is known whether they came in a week; 0 counts fetches.
        missing: Chance of an engine's weekly sweep to be missed.
    """

    name: str
    about: str
    world: World | attachment.World
    promises: tuple[Promise, ...]
    crawlers: int = 0
    missing: float = 0.0

    @property
    def truth(self) -> float:
        return self.world.alpha if isinstance(self.world, attachment.World) else self.world.true_gain

    @property
    def weeks(self) -> int:
        return self.world.weeks


TABLE = World(sites=60, common_sd=0.1)
"""The world of the design's count tables: 240 pages, 60 sites, 52 weeks, 13 citations a page and week."""
SHORT = replace(TABLE, weeks=26)
_AT_06 = replace(TABLE, gain=0.6)
_LARGE = replace(_AT_06, pages=2000, sites=200, topics=8, prompts_per_topic=5, fetches=8.0, sessions=10.0)
_RICH = replace(_LARGE, weeks=104, prompts_per_topic=16, fetches=20.0, sessions=20.0)
_AT_1 = replace(TABLE, gain=1.0, burn_in=12)

NAMED = (
    Cell("gain-0", "fitness, common and site shocks, no loop", replace(TABLE, gain=0.0), ("number", "no loop")),
    Cell("gain-35", "G = .35", replace(TABLE, gain=0.35), ("number",)),
    Cell("gain-60", "G = .6", _AT_06, ("number",)),
    Cell("gain-80", "G = .8", replace(TABLE, gain=0.8), ("lower limit",)),
    Cell("gain-100", "G = 1, gaps do not fade", _AT_1, ("lower limit",)),
    Cell("short-0", "26 weeks, no loop", replace(SHORT, gain=0.0), ("lower limit", "no loop")),
    Cell("short-35", "26 weeks, G = .35", replace(SHORT, gain=0.35), ("lower limit",)),
    Cell("short-60", "26 weeks, G = .6", replace(SHORT, gain=0.6), ("lower limit",)),
    Cell("short-80", "26 weeks, G = .8", replace(SHORT, gain=0.8), ("lower limit",)),
    Cell("pages-2000", "2,000 pages, 200 sites, 1.6 citations, 8 fetches, 10 sessions", _LARGE, ("number",)),
    Cell("counts-5", "5 fetches, 10 sessions", replace(_AT_06, fetches=5.0, sessions=10.0), ("number",)),
    Cell("counts-1", "1 fetch, 10 sessions", replace(_AT_06, fetches=1.0, sessions=10.0), ("number",)),
    Cell("yes-no", "presence is whether each of 6 crawlers came", _AT_06, ("number",), crawlers=6),
    Cell("sites-30", "30 sites", replace(_AT_06, sites=30), ("number",)),
    Cell("open", "presence -> citation -> engagement, no return", replace(TABLE, arrows="open"), ("no loop",)),
    Cell("reversed", "the arrows reversed", replace(TABLE, arrows="reversed"), ("no loop", "gate power")),
    Cell("hidden-10", "hidden quality, sd .1", replace(TABLE, gain=0.0, hidden_sd=0.1), ("no loop", "gate power")),
    Cell("hidden-05", "hidden quality, sd .05", replace(TABLE, gain=0.0, hidden_sd=0.05), ("no loop", "gate power")),
    Cell("hidden-03", "hidden quality, sd .03", replace(TABLE, gain=0.0, hidden_sd=0.03), ("no loop",)),
    Cell("hidden-loop", "hidden quality, sd .1, on a loop of .5", replace(TABLE, hidden_sd=0.1), ("none",)),
    Cell("demo", "the market of `make demo`: 80 sites, week shock .05, G = .5", World(), ("number",)),
    Cell("alpha-0", "entrants, fitness alone", attachment.World(alpha=0.0), ("exponent",)),
    Cell("alpha-50", "entrants, alpha = .5", attachment.World(alpha=0.5), ("exponent",)),
    Cell("alpha-100", "entrants, alpha = 1: they starve", attachment.World(alpha=1.0), ("exponent",)),
)  # fmt: skip

BEYOND = (
    Cell("turnover", "the demo; a quarter of the pages enters, a tenth leaves", WORLDS["turnover"], ("number",)),
    Cell("missed", "the demo; each engine misses one sweep in fifty", World(), ("number",), missing=0.02),
    Cell("robots", "the demo; robots.txt shuts crawlers out of 15% of the sites", WORLDS["robots"], ("number",)),
    Cell("rich", "2,000 pages, 104 weeks, 5 citations, 20 fetches, 20 sessions", _RICH, ("number",)),
    Cell("releases", "the demo; two models lift what they were trained on by 30%", WORLDS["releases"], ("none",)),
)
"""Not of the grid: what happens to any real panel, and one so large that small biases show."""


def full_grid() -> Iterator[Cell]:
    """Yield the 1,080 cells of the grid, in which visits, fetches and citations are equally many."""
    for pages, weeks, gain, count, sites, shock in product(
        (200, 800, 2000), (12, 26, 52, 104), (0.0, 0.35, 0.6, 0.8, 1.0), (1, 5, 20), (30, 60, 200), (0.05, 0.10)
    ):
        topics = 8 if pages == 2000 else 4
        engines, repeats, citations = (1 if count == 1 else 4), 4, 5
        prompts = 2 * max(1, round(count * pages / (engines * repeats * citations * topics * 2)))
        world = World(
            gain=gain, pages=pages, sites=sites, topics=topics, prompts_per_topic=prompts, engines=engines,
            weeks=weeks, burn_in=12 if gain == 1 else 60, fetches=float(count), sessions=float(count), common_sd=shock,
        )  # fmt: skip
        name = f"N{pages}-T{weeks}-G{round(100 * gain)}-c{count}-S{sites}-w{round(100 * shock):02d}"
        yield Cell(name, "", world, _promised(gain, weeks))


def _promised(gain: float, weeks: int) -> tuple[Promise, ...]:
    kept: Promise = "number" if gain <= 0.6 and weeks >= 52 else "lower limit"
    return (kept,) if gain else (kept, "no loop")
