"""The demo set: a small made-up market of answers, the same to the byte for the same seed.

    python -m geo_flywheel.simulate.demo data/demo

Three engines that do not exist answer 24 questions about running, four times a week for 14 weeks, and cite pages of
twelve sites that do not exist (RFC 2606 names). Stated truth: trailnotes.example is cited ever more often, by a factor
of 1.06 a week in the odds; all other sites keep their odds. The engine cedar serves another model from the tenth week.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

SEED = 7
START = datetime(2026, 5, 4, 6)  # noqa: DTZ001 - all times are naive UTC
WEEKS = 14
REPEATS = 4
GROWTH = 1.06
NEW_MODEL_WEEK = 9
SPECIFIC = 0.8
ENGINES = ("aster", "birch", "cedar")
RISING = "trailnotes.example"
SITES = (
    RISING, "strideshop.example", "kilometre.example", "shoelab.example", "marathonweekly.example", "pacebook.example",
    "runnersguide.example", "heelandtoe.example", "trackside.example", "longrun.example", "physio.example",
    "bestofshoes.example",
)  # fmt: skip
QUESTIONS = {
    "running shoes": (
        "Which running shoes suit flat feet?", "Which running shoes last longest on asphalt?",
        "Are carbon plates worth it for a beginner?", "How often should running shoes be replaced?",
        "Which trail shoes grip on wet rock?", "What drop should a running shoe have?",
        "Which running shoes fit wide feet?", "Do stability shoes prevent injuries?",
        "Which running shoes are best under 100 euros?", "How should a running shoe fit at the toes?",
        "Can road shoes be worn on gravel?", "Which running shoes are made without plastic?",
    ),
    "training plans": (
        "How do I train for a first half marathon?", "Which plan suits a marathon under four hours?",
        "How many rest days does a runner need?", "How fast should easy runs be?",
        "How do I start running after forty?", "What is a good weekly distance for 10 km?",
        "Does strength training make runners faster?", "How do I train by heart rate?",
        "How long should the longest run be?", "How do I taper before a marathon?",
        "How do I train for hills in a flat city?", "What should I eat before a long run?",
    ),
}  # fmt: skip


def answers(seed: int = SEED) -> Iterator[dict[str, Any]]:
    """Yield the answers in the form that `geo-flywheel import` reads, week by week."""
    rng = np.random.default_rng(seed)
    prompts = [(topic, text) for topic, texts in QUESTIONS.items() for text in texts]
    appeal = rng.normal(-1.7, 0.6, len(SITES))
    appeal[0] = -2.2
    relevance = rng.normal(0, 0.9, (len(ENGINES), len(prompts), len(SITES)))
    for week in range(WEEKS):
        growth = np.log(GROWTH) * week * (np.arange(len(SITES)) == 0)
        shock = rng.normal(0, 0.25, relevance.shape)
        odds = np.exp(appeal + relevance + shock + growth)
        for (engine, prompt), site_odds in zip(
            np.ndindex(relevance.shape[:2]), odds.reshape(-1, len(SITES)), strict=True
        ):
            for sample in range(REPEATS):
                at = START + timedelta(weeks=week, days=int(sample), minutes=int(engine * 24 + prompt))
                yield _answer(rng, ENGINES[engine], *prompts[prompt], at, site_odds / (1 + site_odds))


def _answer(
    rng: np.random.Generator, engine: str, topic: str, prompt: str, at: datetime, chances: np.ndarray[Any, Any]
) -> dict[str, Any]:
    consulted = rng.permutation(len(SITES))[:9]
    cited = [_page(rng, SITES[site], prompt) for site in consulted if rng.random() < chances[site] * 12 / 9]
    unused = [_page(rng, SITES[site], prompt) for site in consulted[:4]]
    served = f"{engine}-2" if engine == "cedar" and at >= START + timedelta(weeks=NEW_MODEL_WEEK) else f"{engine}-1"
    return {
        "observed_at": at.isoformat(),
        "engine": engine,
        "model": served,
        "surface": "api",
        "topic": topic,
        "prompt": prompt,
        "answer": " ".join(f"See {url}." for url in cited) or "It depends on the runner.",
        "cited": cited,
        "retrieved": list(dict.fromkeys([*cited, *unused])),
    }


def _page(rng: np.random.Generator, site: str, prompt: str) -> str:
    slug = "-".join(prompt.lower().rstrip("?").split()[-3:])
    return f"https://www.{site}/{slug}" if rng.random() < SPECIFIC else f"https://www.{site}/guide"


def presences(seed: int = SEED) -> Iterator[dict[str, Any]]:
    """Yield what two made-up corpora hold of the sites; the second says nothing of the youngest."""
    rng = np.random.default_rng(seed)
    for site in SITES:
        tokens = int(rng.lognormal(13, 1.5))
        yield {"corpus": "webtext-2024", "site": site, "tokens": tokens, "observed_on": "2024-12-31"}
        if site != RISING:
            yield {"corpus": "webtext-2025", "site": site, "tokens": 2 * tokens, "observed_on": "2025-12-31"}


def write(folder: Path) -> None:
    """Write answers.ndjson.gz and presence.csv into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers())
    (folder / "answers.ndjson.gz").write_bytes(gzip.compress(lines.encode(), 9, mtime=0))
    rows = ["corpus,site,tokens,observed_on", *(",".join(str(v) for v in row.values()) for row in presences())]
    (folder / "presence.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
