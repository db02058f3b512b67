"""Read what stood beside a site in the same answer, counted by prompt."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date, timedelta
from typing import Any

import numpy as np

from geo_flywheel.errors import ConfigError
from geo_flywheel.graph.neighbours import Baskets
from geo_flywheel.graph.network import Engine
from geo_flywheel.store.database import Store
from geo_flywheel.store.graph import Choice, day_or_today
from geo_flywheel.urls import site as site_of

# A basket is a delivered answer; where answers are not at hand, one prompt's sightings of a day.
_BASKETS = """
SELECT engine, surface, 'answers' AS made_of, coalesce(prompt_no, -1) AS prompt_no,
    CASE WHEN prompt_no IS NULL THEN topic ELSE '' END AS topic, answer_no, CAST(NULL AS DATE) AS day
FROM answers
WHERE delivered AND week IS NOT NULL AND ($1 IS NULL OR week >= $1) AND week < $4
    AND ($2 IS NULL OR engine = $2) AND ($3 IS NULL OR surface = $3)
UNION ALL
SELECT DISTINCT engine, surface, 'sightings of one prompt and day', coalesce(prompt_no, -1),
    CASE WHEN prompt_no IS NULL THEN topic ELSE '' END, CAST(NULL AS INTEGER), day
FROM observations
WHERE ($1 IS NULL OR week >= $1) AND week < $4
    AND ($2 IS NULL OR engine = $2) AND ($3 IS NULL OR surface = $3)
"""
_NUMBERED = f"""
SELECT row_number() OVER () AS basket, *,
    CASE WHEN topic <> '' THEN -1 - dense_rank() OVER (ORDER BY topic) ELSE prompt_no END AS asked_with
FROM ({_BASKETS}) AS told
"""
_ASKED = """
SELECT engine, surface, made_of, asked_with, count(*) AS baskets FROM basket GROUP BY ALL ORDER BY ALL
"""
# The sites of each basket: those of its answer, or of the sightings it stands for.
_HELD = """
SELECT b.basket, s.site_no
FROM {baskets} AS b
JOIN citation AS c ON c.answer_no = b.answer_no
JOIN page_site AS s ON s.page_no = c.page_no
WHERE ({wanted})
UNION
SELECT b.basket, s.site_no
FROM {baskets} AS b
JOIN observations AS o ON o.engine = b.engine AND o.surface = b.surface AND o.day = b.day
    AND coalesce(o.prompt_no, -1) = b.prompt_no AND (b.topic = '' OR o.topic = b.topic)
JOIN page_site AS s ON s.page_no = o.page_no
WHERE o.cited > 0 AND ({wanted})
"""
_MINE = f"""
SELECT b.* FROM basket AS b SEMI JOIN ({_HELD.format(baskets="basket", wanted="s.site_no = $1")}) AS h USING (basket)
"""
_NEAR = f"""
SELECT site_no FROM ({_HELD.format(baskets="mine", wanted="s.site_no <> $1")}) AS h
GROUP BY site_no ORDER BY count(*) DESC, site_no LIMIT $2
"""
_TOGETHER = f"""
SELECT b.engine, b.surface, b.made_of, b.asked_with, h.site_no, count(*) AS holding, count(m.basket) AS together
FROM ({_HELD.format(baskets="basket", wanted="s.site_no = $1 OR s.site_no IN (SELECT site_no FROM near)")}) AS h
JOIN basket AS b USING (basket)
LEFT JOIN mine AS m USING (basket)
GROUP BY ALL ORDER BY ALL
"""
_SITES = "SELECT page_no, site_no FROM page_sites WHERE site <> ''"
_CANDIDATES = 200  # sites met most often beside the one asked for


def read_baskets(store: Store, site: str, choice: Choice | None = None, *, today: date | None = None) -> list[Baskets]:
    """Read what stood beside a site, of each engine that cited it in weeks that are over.

    Args:
        store: Open for reading.
        site: A site, or any host or address of it.
        choice: Which part.
        today: Day that tells which week is running; default: today, UTC.

    Raises:
        ConfigError: If the site is not in the store.
    """
    choice = choice or Choice()
    day = day_or_today(today)
    number = site_number(store, site)
    until = day - timedelta(days=day.weekday())
    part = [choice.since, choice.engine, choice.surface, until]
    with ExitStack() as stack:
        stack.enter_context(store.staged("page_site", store.table(_SITES)))
        stack.enter_context(store.staged("basket", store.table(_NUMBERED, part)))
        stack.enter_context(store.staged("mine", store.table(_MINE, [number])))
        stack.enter_context(store.staged("near", store.table(_NEAR, [number, _CANDIDATES])))
        totals, counts = store.rows(_ASKED), store.rows(_TOGETHER, [number])
    names = dict(store.rows("SELECT DISTINCT site_no, site FROM page_sites"))
    return [found for found in _baskets(totals, counts, number, names) if found.with_site.any()]


def site_number(store: Store, site: str) -> int:
    """Return the number that stands for a site in the rows.

    Raises:
        ConfigError: If it names no site, or none that was ever seen.
    """
    name = site_of(site if "://" in site else f"https://{site}/")
    found = store.rows("SELECT min(page_no) FROM page WHERE site = ? AND site <> ''", [name])[0][0]
    if found is None:
        raise ConfigError(
            f"{site}: no page of it was ever cited or consulted; see those that were: geo-flywheel report top_pages"
        )
    return int(found)


def _baskets(
    totals: Sequence[tuple[Any, ...]], counts: Sequence[tuple[Any, ...]], number: int, names: dict[int, str]
) -> list[Baskets]:
    rows: dict[tuple[str, str, str], dict[int, int]] = {}
    for engine, surface, made_of, prompt, baskets in totals:
        rows.setdefault((engine, surface, made_of), {})[prompt] = baskets
    found = []
    for key, prompts in rows.items():
        mine = [count[3:] for count in counts if count[:3] == key]
        others = sorted({site for _, site, _, _ in mine if site != number})
        row, column = {site: i for i, site in enumerate(others)}, {prompt: j for j, prompt in enumerate(prompts)}
        holding, together = (np.zeros((len(others), len(prompts))) for _ in range(2))
        with_site = np.zeros(len(prompts))
        for prompt, site, held, both in mine:
            if site == number:
                with_site[column[prompt]] = held
            else:
                holding[row[site], column[prompt]], together[row[site], column[prompt]] = held, both
        found.append(
            Baskets(
                engine=Engine(*key[:2]),
                made_of=key[2],
                prompts=np.array(list(prompts), np.int32),
                baskets=np.array(list(prompts.values()), np.float64),
                with_site=with_site,
                others=[names[site] for site in others],
                with_other=holding,
                together=together,
            )
        )
    return found
