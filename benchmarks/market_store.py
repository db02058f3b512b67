"""Fill a store with a large market by SQL alone: 10,000,000 citations in a million answers of 52 weeks.

    python benchmarks/market_store.py PATH [ANSWERS]

Everything is a hash of row numbers, so two runs make the same store. Four repeats of every prompt are asked of six
engines each week; an answer cites ten pages, seven of which stay with the prompt and three of which change with the
answer; the popularity of pages and the size of sites fall as 1 / rank.
"""

import sys
from pathlib import Path
from time import perf_counter

from geo_flywheel.store.database import Store, open_store

ANSWERS = 1_000_000
WEEKS, ENGINES, REPEATS, SLOTS, RANKS, SITES = 52, 6, 4, 10, 30_000, 30_000
FIRST_DAY = "2025-11-24"

_STEPS = """
INSERT INTO run VALUES ('r1', 'import', TIMESTAMP '2026-11-22', TIMESTAMP '2026-11-22');
INSERT INTO capture
SELECT n, 'r1', md5('c' || n), 'batch-' || n, 1000, NULL, 200, TIMESTAMP '2026-11-22' FROM range($captures) AS t(n);
INSERT INTO reading
SELECT n, n, 'r1', 'market', 'market-1', 'rules-1', '{}', NULL, TIMESTAMP '2026-11-22' FROM range($captures) AS t(n);
INSERT INTO prompt
SELECT n, substr(md5('p' || n), 1, 16), 'which tool is best for task ' || n, 'en-US', '', ''
FROM range($prompts) AS t(n);
INSERT INTO page
SELECT n, 'https://site-' || s || '.example/section/' || (n % 97) || '/article-' || n, 'site-' || s || '.example',
    'site-' || s || '.example', n % 1000 <> 999
FROM (SELECT n, CAST(floor(pow($sites, (hash(n, 'site') % 1000003) / 1000003.0)) AS INTEGER) AS s
      FROM range($ranks * $slots) AS t(n)) AS page;
INSERT INTO link SELECT page_no, url || '?utm_source=x', 'rules-1', page_no, '' FROM page;
INSERT INTO answer (answer_no, key, reading_no, provider, engine, surface, model_requested, model_served, prompt_no,
    basket_revision, snapshot, sample_no, half, status, asked_at, text, cost_usd, skipped_blocks, source_id, topic)
SELECT n, hash(n, 'answer')::UHUGEINT, n % $captures, 'provider-' || e, 'engine-' || e, 'api', 'model-' || e,
    'model-' || e || '-' || (w // 13), p, 'b1', 'sweep-' || w, (n // ($engines * $prompts)) % $repeats,
    CASE WHEN p % 2 = 0 THEN 'A' ELSE 'B' END,
    CASE WHEN hash(n, 'status') % 50 = 0 THEN 'error' WHEN hash(n, 'status') % 20 = 0 THEN 'ungrounded'
        ELSE 'grounded' END,
    $first::TIMESTAMP + to_days(7 * w::INTEGER + (p % 3)::INTEGER) + to_seconds((hash(n, 'second') % 80000)::INTEGER),
    'words', 0.004, 0, 'answer-' || n, 'topic-' || (p % 20)
FROM (SELECT n, n % $engines AS e, (n // $engines) % $prompts AS p, n // ($engines * $prompts * $repeats) AS w
      FROM range($answers) AS t(n)) AS ask;
INSERT INTO citation
SELECT answer_no, page_no, page_no, slot + 1, 1 + hash(answer_no, slot) % 3, NULL, NULL, NULL
FROM (
    SELECT a.answer_no, s.slot, CAST($slots * floor(pow($ranks - 1, (
        CASE WHEN s.slot < 7 THEN hash(a.prompt_no, s.slot, a.engine, w // (4 + s.slot * 3))
             ELSE hash(a.answer_no, s.slot, 'draw') END % 1000003) / 1000003.0)) + s.slot AS INTEGER) AS page_no
    FROM (SELECT answer_no, prompt_no, engine, answer_no // ($engines * $prompts * $repeats) AS w FROM answer) AS a,
        range($slots) AS s(slot)
) AS drawn;
INSERT INTO retrieval
SELECT answer_no, page_no, link_no, position, NULL FROM citation WHERE position <= 4
UNION ALL
SELECT answer_no, CAST($slots * (hash(answer_no, slot, 'retrieved') % $ranks) + slot AS INTEGER), 0, slot + 5, NULL
FROM (SELECT answer_no FROM answer) AS a, range(2) AS s(slot);
INSERT INTO fan_out
SELECT answer_no, slot, 'best tool ' || (prompt_no % 400) || ' ' || (hash(answer_no, slot) % 7)
FROM (SELECT answer_no, prompt_no FROM answer) AS a, range(2) AS s(slot);
INSERT INTO presence (
    key, reading_no, corpus, unit, unit_kind, site, site_key, state, method, captures, documents, tokens, observed_on
)
SELECT hash(site, corpus)::UHUGEINT, 0, corpus, site, 'site', site, site,
    CASE WHEN hash(site, corpus) % 3 = 0 THEN 'absent' ELSE 'present' END, 'published host table',
    CASE WHEN hash(site, corpus) % 3 > 0 THEN hash(site) % 5000 END, NULL,
    CASE WHEN hash(site, corpus) % 3 > 0 THEN hash(site) % 4000000 END, DATE '2026-06-01'
FROM (SELECT DISTINCT site FROM page) AS s, (VALUES ('common_crawl'), ('c4')) AS c(corpus);
CHECKPOINT
"""


def fill(store: Store, answers: int = ANSWERS) -> None:
    """Fill an empty store with the market.

    Args:
        store: Open and writable.
        answers: How many; each cites ten pages.
    """
    prompts = max(1, -(-answers // (WEEKS * ENGINES * REPEATS)))
    values = {
        "answers": answers,
        "captures": max(1, answers // 200),
        "engines": ENGINES,
        "first": f"TIMESTAMP '{FIRST_DAY} 06:00:00'",
        "prompts": prompts,
        "ranks": max(10, RANKS * answers // ANSWERS),
        "repeats": REPEATS,
        "sites": max(10, SITES * answers // ANSWERS),
        "slots": SLOTS,
    }
    for step in _STEPS.split(";\n"):
        statement = step
        for name, value in values.items():
            statement = statement.replace(f"${name}", str(value))
        store.connection.execute(statement)


def main() -> None:
    """Fill the store named on the command line."""
    path = Path(sys.argv[1])
    answers = int(sys.argv[2]) if len(sys.argv) > 2 else ANSWERS
    started = perf_counter()
    with open_store(path) as store:
        fill(store, answers)
        tables = ("answer", "citation", "retrieval", "fan_out", "page", "prompt", "reading")
        counts = ", ".join(f"{name} {store.rows(f'SELECT count(*) FROM {name}')[0][0]:,}" for name in tables)
    sys.stdout.write(f"{path}: {counts}; {perf_counter() - started:.0f} s\n")


if __name__ == "__main__":
    main()
