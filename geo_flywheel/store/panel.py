"""The panel of a store: pages that could be cited, week by week, from sums that SQL makes.

Which pages there are comes from sitemaps, crawl indexes and logs, never from answers: pages that are known from answers
alone are left out, and counted. A page belongs to the topic whose prompts cite it most; one that nobody cites was asked
for by the prompts of all topics. Citations are pooled over the engines that were asked throughout; a week that one of
them missed is not asked. Visits and fetches count in weeks that the logs of the page's host span, and are missing in
others: a day without a line inside a log had no visit, a day outside of all logs is not known. Halves: citations by
prompt as the basket fixed it, visits and fetches by weekday, so that a half has the same days in each week.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from geo_flywheel.errors import NotIdentified
from geo_flywheel.panel import Panel, checked
from geo_flywheel.store.database import Store

THROUGHOUT = 0.9  # share of the weeks in which an engine was asked that makes it one of the fixed set

_SPOKEN = """
CREATE OR REPLACE TEMP TABLE panel_answer AS
SELECT answer_no, engine || ' (' || surface || ')' AS engine, prompt_no, topic, week, half
FROM answers
WHERE delivered AND half IS NOT NULL AND week IS NOT NULL AND week < CAST(date_trunc('week', $today) AS DATE)
    AND ($engine IS NULL OR engine = $engine)
    AND ($since IS NULL OR week >= $since) AND ($until IS NULL OR week <= $until)
"""
_ENGINES = """
CREATE OR REPLACE TEMP TABLE panel_engine AS
SELECT engine, weeks, weeks >= $share * max(weeks) OVER () AS throughout
FROM (SELECT engine, count(DISTINCT week) AS weeks FROM panel_answer GROUP BY engine) AS asked
"""
_ASKED = """
CREATE OR REPLACE TEMP TABLE panel_asked AS
SELECT topic, week,
    CASE WHEN engines = whole THEN asked_a ELSE 0 END AS asked_a,
    CASE WHEN engines = whole THEN asked_b ELSE 0 END AS asked_b,
    CASE WHEN engines = whole THEN cells ELSE 0 END AS cells_asked
FROM (
    SELECT topic, week, count(DISTINCT engine) AS engines, count(*) FILTER (half = 'A') AS asked_a,
        count(*) FILTER (half = 'B') AS asked_b, count(DISTINCT (engine, prompt_no)) AS cells,
        (SELECT count(*) FROM panel_engine WHERE throughout) AS whole
    FROM panel_answer SEMI JOIN (SELECT engine FROM panel_engine WHERE throughout) AS fixed USING (engine)
    GROUP BY topic, week
) AS each_week
"""
_CITED = """
CREATE OR REPLACE TEMP TABLE panel_cited AS
SELECT c.page_no, s.topic, s.week, count(*) FILTER (s.half = 'A') AS cited_a, count(*) FILTER (s.half = 'B') AS cited_b,
    count(DISTINCT (s.engine, s.prompt_no)) AS cells_cited
FROM citation AS c
JOIN panel_answer AS s USING (answer_no)
SEMI JOIN (SELECT engine FROM panel_engine WHERE throughout) AS fixed USING (engine)
GROUP BY c.page_no, s.topic, s.week
"""
_PAGES = """
CREATE OR REPLACE TEMP TABLE panel_page AS
WITH topic_of AS (
    SELECT page_no, topic FROM (
        SELECT page_no, topic,
            row_number() OVER (PARTITION BY page_no ORDER BY sum(cited_a + cited_b) DESC, topic) AS place
        FROM panel_cited GROUP BY page_no, topic
    ) AS ranked WHERE place = 1
)
SELECT r.page_no, g.url, g.site, split_part(split_part(g.url, '/', 3), ':', 1) AS host, coalesce(t.topic, '') AS topic,
    t.topic IS NULL AS uncited, r.first_seen
FROM risk_set AS r
JOIN page AS g USING (page_no)
LEFT JOIN topic_of AS t USING (page_no)
WHERE g.resolved AND g.site <> ''
"""
_ROWS = """
WITH weeks AS (SELECT DISTINCT week FROM panel_asked),
everywhere AS (
    SELECT week, sum(asked_a) AS asked_a, sum(asked_b) AS asked_b, sum(cells_asked) AS cells_asked
    FROM panel_asked GROUP BY week
    HAVING min(asked_a + asked_b) > 0
),
fetched AS (
    SELECT page_no, week, sum(fetches) FILTER (isodow(day) % 2 = 1) AS presence_a,
        sum(fetches) FILTER (isodow(day) % 2 = 0) AS presence_b
    FROM verified_fetches GROUP BY page_no, week
),
bots AS (
    SELECT page_no, week, sum(hits) AS bot_hits FROM bot_hits GROUP BY page_no, week
),
visited AS (
    SELECT page_no, week, sum(sessions) FILTER (isodow(day) % 2 = 1) AS engagement_a,
        sum(sessions) FILTER (isodow(day) % 2 = 0) AS engagement_b
    FROM referrals GROUP BY page_no, week
),
span AS (
    SELECT DISTINCT h.host, CAST(f.first_at AS DATE) AS first_day, CAST(f.last_at AS DATE) AS last_day
    FROM log_file AS f
    JOIN current_reading AS r USING (reading_no)
    JOIN log_hosts AS h USING (reading_no)
    WHERE f.first_at IS NOT NULL
),
logged AS (
    SELECT s.host, w.week
    FROM weeks AS w
    CROSS JOIN range(7) AS d(day)
    JOIN span AS s ON w.week + CAST(d.day AS INTEGER) BETWEEN s.first_day AND s.last_day
    GROUP BY s.host, w.week
    HAVING count(DISTINCT d.day) = 7
),
judged AS (
    SELECT c.page_no, j.week, count(*) FILTER (j.kind <> 'regenerated' AND j.rating > 0) AS feedback_up,
        count(*) FILTER (j.kind <> 'regenerated' AND j.rating < 0) AS feedback_down,
        count(*) FILTER (j.kind = 'regenerated' AND j.rating < 0) AS regenerated
    FROM judgements AS j
    JOIN citation AS c ON c.answer_no = j.answer_no
    GROUP BY c.page_no, j.week
)
SELECT p.url AS page_id, p.site AS site_id, p.topic, w.week AS period,
    coalesce(a.asked_a, e.asked_a, 0) AS asked_a, coalesce(c.cited_a, 0) AS cited_a,
    coalesce(a.asked_b, e.asked_b, 0) AS asked_b, coalesce(c.cited_b, 0) AS cited_b,
    coalesce(a.cells_asked, e.cells_asked, 0) AS cells_asked, coalesce(c.cells_cited, 0) AS cells_cited,
    CASE WHEN l.week IS NOT NULL THEN coalesce(v.engagement_a, 0) END AS engagement_a,
    CASE WHEN l.week IS NOT NULL THEN coalesce(v.engagement_b, 0) END AS engagement_b,
    CASE WHEN l.week IS NOT NULL THEN coalesce(f.presence_a, 0) END AS presence_a,
    CASE WHEN l.week IS NOT NULL THEN coalesce(f.presence_b, 0) END AS presence_b,
    CASE WHEN l.week IS NOT NULL THEN coalesce(b.bot_hits, 0) END AS bot_hits,
    coalesce(j.feedback_up, 0) AS feedback_up, coalesce(j.feedback_down, 0) AS feedback_down,
    coalesce(j.regenerated, 0) AS regenerated, p.first_seen
FROM panel_page AS p
CROSS JOIN weeks AS w
LEFT JOIN panel_asked AS a ON a.topic = p.topic AND a.week = w.week AND NOT p.uncited
LEFT JOIN everywhere AS e ON e.week = w.week AND p.uncited
LEFT JOIN panel_cited AS c ON c.page_no = p.page_no AND c.topic = p.topic AND c.week = w.week
    AND a.asked_a + a.asked_b > 0
LEFT JOIN logged AS l ON l.host = p.host AND l.week = w.week
LEFT JOIN fetched AS f ON f.page_no = p.page_no AND f.week = w.week
LEFT JOIN visited AS v ON v.page_no = p.page_no AND v.week = w.week
LEFT JOIN bots AS b ON b.page_no = p.page_no AND b.week = w.week
LEFT JOIN judged AS j ON j.page_no = p.page_no AND j.week = w.week
WHERE p.first_seen IS NULL OR w.week >= date_trunc('week', p.first_seen)
ORDER BY page_id, period
"""
_COUNTS = """
SELECT (SELECT count(*) FROM answers WHERE delivered), (SELECT count(*) FROM observations),
    (SELECT count(*) FROM panel_answer),
    (SELECT count(*) FROM risk_set), (SELECT count(*) FROM judgements),
    (SELECT count(DISTINCT page_no) FROM panel_cited WHERE page_no NOT IN (SELECT page_no FROM panel_page)),
    (SELECT string_agg(engine || ' (' || weeks || ' weeks)', ', ' ORDER BY engine)
        FROM panel_engine WHERE NOT throughout)
"""


@dataclass(frozen=True, slots=True)
class _Counts:
    """What a store holds of what a panel needs.

    Attributes:
        answers: That were delivered; halved: those among them to a basket's prompts in the weeks wanted.
        sightings: Of pages without their answers.
        strangers: Pages cited that no sitemap, crawl index or log names.
        irregular: Engines that were not asked throughout, each with its weeks.
    """

    answers: int
    sightings: int
    halved: int
    pages: int
    judgements: int
    strangers: int
    irregular: str | None


def panel_of(
    store: Store, *, weeks: tuple[date, date] | None = None, engine: str | None = None, today: date | None = None
) -> Panel:
    """Return the panel of a store, one row per page and week.

    Args:
        store: Open for reading.
        weeks: First and last Monday, inclusive; None for all. The running week is never in it.
        engine: Only this engine's answers.
        today: Day that tells which week is running; default: today, UTC.

    Raises:
        NotIdentified: If the store holds no answers to a basket, or no page from a sitemap, crawl index or log.
    """
    since, until = weeks or (None, None)
    run = store.connection.execute
    run(_SPOKEN, {"engine": engine, "since": since, "until": until, "today": today or datetime.now(UTC).date()})
    run(_ENGINES, {"share": THROUGHOUT})
    for step in (_ASKED, _CITED, _PAGES):
        run(step)
    [row] = store.rows(_COUNTS)
    held = _Counts(*row)
    if not held.halved or not held.pages:
        raise NotIdentified(_lacks(held, engine))
    frame = run(_ROWS).df()
    if not held.judgements:
        frame = frame.drop(columns=["feedback_up", "feedback_down", "regenerated"])
    return replace(checked(frame, "risk set"), notes=tuple(_notes(held)))


def _lacks(held: _Counts, engine: str | None) -> str:
    if held.halved:
        return (
            "the store knows pages from answers alone, which selects on the outcome; import access logs, or gather"
            " sitemaps (geo-flywheel gather own_pages) or a crawl index"
        )
    of_engine = f" of {engine}" if engine else ""
    seen = f" and {held.sightings:,} sightings of pages, of which it is not known" if held.sightings else ""
    return (
        f"the store holds {held.answers:,} answers{seen}{' who asked what how often' if seen else ''}, but no answer"
        f"{of_engine} to a prompt of a basket in a full week: there are no two halves to compare, and so no gain, no"
        " exponent and no reliability can be told; ask a basket every week: geo-flywheel crawl"
    )


def _notes(held: _Counts) -> Iterator[str]:
    if held.strangers:
        yield f"{held.strangers:,} cited pages are left out that no sitemap, crawl index or log names"
    if held.irregular:
        yield f"left out, because asked in less than {THROUGHOUT:.0%} of the weeks: {held.irregular}"
