-- The newest successful reading of every capture, null where none succeeded; the rows of older ones are superseded.
-- Written, as is `delivered` below, without a filter: of a filter the planner expects a fifth of the rows, of both a
-- thirtieth, and then lays large tables into memory to look small ones up in them.
CREATE OR REPLACE VIEW current_reading AS
SELECT max(CASE WHEN problem IS NULL THEN reading_no END) AS reading_no, capture_no
FROM reading
GROUP BY capture_no;

-- One row per answer. delivered: the engine answered, so that a page missing from it was not cited. An answer that was
-- cut off or failed says nothing about the pages it lacks. week: Monday of the ISO week in UTC; null when undated.
CREATE OR REPLACE VIEW answers AS
SELECT
    a.answer_no, a.provider, a.engine, a.surface, a.model_requested, a.model_served,
    a.prompt_no, p.text AS prompt, coalesce(a.topic, '') AS topic, p.locale, p.persona,
    a.basket_revision, a.snapshot, a.sample_no, a.half, a.status,
    d.status IS NOT NULL AS delivered,
    a.asked_at, CAST(a.asked_at AS DATE) AS day, CAST(date_trunc('week', a.asked_at) AS DATE) AS week,
    a.text, a.cost_usd, a.skipped_blocks, a.source_id, a.reading_no
FROM answer AS a
JOIN current_reading AS r ON r.reading_no = a.reading_no
LEFT JOIN prompt AS p ON p.prompt_no = a.prompt_no
LEFT JOIN (
    VALUES ('grounded'), ('ungrounded'), ('not_shown'), ('refused'), ('blocked')
) AS d(status) ON d.status = a.status;

-- One row per dated sighting of a page whose answers are not at hand; page_no null: a cell that cited nothing.
CREATE OR REPLACE VIEW observations AS
SELECT
    o.provider, o.engine, o.surface, o.model AS model_served, o.prompt_no, p.text AS prompt,
    coalesce(o.topic, '') AS topic, p.locale, p.persona,
    o.observed_at, CAST(o.observed_at AS DATE) AS day, CAST(date_trunc('week', o.observed_at) AS DATE) AS week,
    o.page_no, o.position, o.cited, o.asked, o.reading_no
FROM observation AS o
JOIN current_reading AS r ON r.reading_no = o.reading_no
LEFT JOIN prompt AS p ON p.prompt_no = o.prompt_no;

-- Every page cited: once per answer and page, beside the sightings of pages without their answers (answer_no null), of
-- which asked_at and asked name the cell.
CREATE OR REPLACE VIEW citations AS
SELECT
    a.answer_no, a.provider, a.engine, a.surface, a.model_served, a.prompt_no, a.topic, a.day, a.week,
    c.page_no, g.url, g.site, g.resolved, c.position, c.occurrences, 1 AS cited,
    a.asked_at, CAST(NULL AS INTEGER) AS asked
FROM citation AS c
JOIN answers AS a ON a.answer_no = c.answer_no
JOIN page AS g ON g.page_no = c.page_no
WHERE a.delivered
UNION ALL
SELECT
    CAST(NULL AS INTEGER) AS answer_no, o.provider, o.engine, o.surface, o.model_served, o.prompt_no, o.topic, o.day, o.week,
    o.page_no, g.url, g.site, g.resolved, o.position, CAST(NULL AS INTEGER) AS occurrences, o.cited,
    o.observed_at AS asked_at, o.asked
FROM observations AS o
JOIN page AS g ON g.page_no = o.page_no
WHERE o.cited > 0;

-- Every page an engine consulted for an answer, cited or not.
CREATE OR REPLACE VIEW retrievals AS
SELECT
    a.answer_no, a.provider, a.engine, a.surface, a.model_served, a.prompt_no, a.topic, a.day, a.week,
    t.page_no, g.url, g.site, g.resolved, t.rank
FROM retrieval AS t
JOIN answers AS a ON a.answer_no = t.answer_no
JOIN page AS g ON g.page_no = t.page_no
WHERE a.delivered;

-- How often a prompt was asked at one time, where the answers are not at hand; null where the source does not say.
CREATE OR REPLACE VIEW observed_asks AS
SELECT provider, engine, surface, model_served, prompt_no, topic, week, observed_at, max(asked) AS asked
FROM observations
GROUP BY provider, engine, surface, model_served, prompt_no, topic, week, observed_at;

-- How often each prompt was asked; asked is null where the source does not say.
CREATE OR REPLACE VIEW asked AS
SELECT provider, engine, surface, model_served, prompt_no, topic, week, count(*) AS asked
FROM answers
WHERE delivered
GROUP BY provider, engine, surface, model_served, prompt_no, topic, week
UNION ALL
SELECT provider, engine, surface, model_served, prompt_no, topic, week,
    CASE WHEN count(*) = count(asked) THEN sum(asked) END AS asked
FROM observed_asks
GROUP BY provider, engine, surface, model_served, prompt_no, topic, week;

-- The same, not yet counted together: one row per answer, and one per cell of sightings.
CREATE OR REPLACE VIEW asks AS
SELECT engine, surface, prompt_no, week, 1 AS asked
FROM answers
WHERE delivered
UNION ALL
SELECT engine, surface, prompt_no, week, asked
FROM observed_asks;

-- How many answers of each prompt and week cite each site. Counts of several pages of one site in one cell may overlap:
-- then the number of answers lies between cited and cited_most.
CREATE OR REPLACE VIEW site_citations AS
SELECT provider, engine, surface, model_served, prompt_no, topic, week, site,
    count(DISTINCT answer_no) AS cited, count(DISTINCT answer_no) AS cited_most
FROM citations
WHERE answer_no IS NOT NULL AND site <> ''
GROUP BY provider, engine, surface, model_served, prompt_no, topic, week, site
UNION ALL
SELECT provider, engine, surface, model_served, prompt_no, topic, week, site,
    sum(cited) AS cited, sum(cited_most) AS cited_most
FROM (
    SELECT o.provider, o.engine, o.surface, o.model_served, o.prompt_no, o.topic, o.week, o.observed_at, g.site,
        max(o.cited) AS cited, least(sum(o.cited), coalesce(max(o.asked), sum(o.cited))) AS cited_most
    FROM observations AS o
    JOIN page AS g ON g.page_no = o.page_no
    WHERE g.site <> '' AND o.cited > 0
    GROUP BY o.provider, o.engine, o.surface, o.model_served, o.prompt_no, o.topic, o.week, o.observed_at, g.site
) AS cell
GROUP BY provider, engine, surface, model_served, prompt_no, topic, week, site;

-- What each corpus holds of each host, site or page; of several rows of one date the newest that knows wins.
CREATE OR REPLACE VIEW presences AS
SELECT corpus, unit, unit_kind, page_no, site, site_key, state, method, captures, documents, tokens, observed_on
FROM (
    SELECT n.*, row_number() OVER (
        PARTITION BY n.corpus, n.unit, n.unit_kind, n.method, n.observed_on
        ORDER BY CASE WHEN n.state = 'unknown' THEN 1 ELSE 0 END, r.capture_no DESC, n.key
    ) AS newest
    FROM presence AS n
    JOIN current_reading AS r ON r.reading_no = n.reading_no
) AS ranked
WHERE newest = 1;

CREATE OR REPLACE VIEW fan_out_queries AS
SELECT a.answer_no, a.provider, a.engine, a.surface, a.prompt_no, a.prompt, a.topic, a.week, q.ordinal, q.query
FROM fan_out AS q
JOIN answers AS a ON a.answer_no = q.answer_no;

CREATE OR REPLACE VIEW judgements AS
SELECT f.source_id, f.kind, f.rating, f.score, f.rater, f.given_at, f.comment, a.answer_no, a.engine, a.week
FROM feedback AS f
JOIN current_reading AS r ON r.reading_no = f.reading_no
LEFT JOIN answers AS a ON a.source_id = f.source_id;
