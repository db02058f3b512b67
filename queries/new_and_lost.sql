-- name: new_and_lost
-- description: Pages and sites cited in one sweep and not in the one before or after it, with how often it was asked.
-- param only_site VARCHAR: this site and its pages only; default: all sites
-- param since DATE: first week of change, by any day of it; default: the last finished week of each engine only
-- param today DATE: day whose week still runs; default: today in UTC
-- param top INTEGER: rows shown per engine, surface, week, kind and change
--
-- A sweep is a week in which the engine was asked on this surface; `before` is the sweep before it. change:
--   new                cited in `week`, not in `before`, where the prompts that brought it were asked too
--   not asked before   cited in `week`; in `before` none of those prompts was asked, so nothing is known to be new
--   lost               cited in `before`, not in `week`, although its prompts were asked again
--   not asked          cited in `before`; in `week` none of its prompts was asked, so nothing is known to be lost
-- citations, prompts: in the sweep that cited it. asked: answers to those prompts in the sweep that did not; null where
-- the source does not say. A running week may still bring back what is listed as lost.
SET VARIABLE only_site = coalesce(getvariable('only_site')::VARCHAR, '');
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE today = coalesce(getvariable('today')::DATE, CAST(current_timestamp AT TIME ZONE 'UTC' AS DATE));
SET VARIABLE top = coalesce(getvariable('top')::INTEGER, 20);
WITH asking AS (
    SELECT engine, surface, week, prompt_no,
        CASE WHEN count(*) = count(asked) THEN CAST(sum(asked) AS BIGINT) END AS asked
    FROM asked
    WHERE week IS NOT NULL
    GROUP BY engine, surface, week, prompt_no
),
sweep AS (
    SELECT engine, surface, week, lag(week) OVER (PARTITION BY engine, surface ORDER BY week) AS before,
        week >= CAST(date_trunc('week', getvariable('today')) AS DATE) AS running
    FROM (SELECT DISTINCT engine, surface, week FROM asking) AS swept
),
numbered AS (
    SELECT engine, surface, week, before, running,
        row_number() OVER (PARTITION BY engine, surface, running ORDER BY week DESC) AS newest
    FROM sweep
),
step AS (
    SELECT engine, surface, week, before, running
    FROM numbered
    WHERE before IS NOT NULL
        AND ((getvariable('since') IS NULL AND newest = 1 AND NOT running)
            OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
),
face AS (
    SELECT engine, surface, week, before, running, 'new' AS change, week AS cited_in, before AS missing_in FROM step
    UNION ALL
    SELECT engine, surface, week, before, running, 'lost' AS change, before AS cited_in, week AS missing_in FROM step
),
wanted AS (
    SELECT DISTINCT engine, surface, cited_in AS week FROM face
),
cell AS (
    SELECT c.engine, c.surface, c.week, c.prompt_no, c.page_no, c.resolved, s.site_no, c.site,
        CAST(sum(c.cited) AS BIGINT) AS citations
    FROM citations AS c
    JOIN wanted AS w ON w.engine = c.engine AND w.surface = c.surface AND w.week = c.week
    JOIN page_sites AS s ON s.page_no = c.page_no
    WHERE getvariable('only_site') = '' OR c.site = getvariable('only_site')
    GROUP BY c.engine, c.surface, c.week, c.prompt_no, c.page_no, c.resolved, s.site_no, c.site
),
seen AS (
    SELECT 'page' AS kind, engine, surface, week, prompt_no, page_no AS unit_no, citations
    FROM cell
    WHERE resolved
    UNION ALL
    SELECT 'site' AS kind, engine, surface, week, prompt_no, site_no AS unit_no, CAST(sum(citations) AS BIGINT) AS citations
    FROM cell
    WHERE site <> ''
    GROUP BY engine, surface, week, prompt_no, site_no
),
present AS (
    SELECT DISTINCT kind, engine, surface, week, unit_no FROM seen
),
turned AS (
    SELECT s.kind, s.unit_no, f.engine, f.surface, f.week, f.before, f.running, f.change, f.missing_in,
        s.prompt_no, s.citations
    FROM seen AS s
    JOIN face AS f ON f.engine = s.engine AND f.surface = s.surface AND f.cited_in = s.week
    LEFT JOIN present AS p ON p.kind = s.kind AND p.unit_no = s.unit_no
        AND p.engine = s.engine AND p.surface = s.surface AND p.week = f.missing_in
    WHERE p.unit_no IS NULL
),
judged AS (
    SELECT t.kind, t.unit_no, t.engine, t.surface, t.week, t.before, t.running, t.change,
        CAST(sum(t.citations) AS BIGINT) AS citations, count(t.prompt_no) AS prompts,
        count(a.week) AS asked_again,
        CASE WHEN count(a.week) = count(a.asked) THEN CAST(coalesce(sum(a.asked), 0) AS BIGINT) END AS asked
    FROM turned AS t
    LEFT JOIN asking AS a ON a.engine = t.engine AND a.surface = t.surface AND a.week = t.missing_in
        AND a.prompt_no IS NOT DISTINCT FROM t.prompt_no
    GROUP BY t.kind, t.unit_no, t.engine, t.surface, t.week, t.before, t.running, t.change
),
named AS (
    SELECT kind, unit_no, engine, surface, week, before, running, citations, prompts, asked,
        CASE
            WHEN asked_again > 0 AND (asked IS NULL OR asked > 0) THEN change
            WHEN change = 'new' THEN 'not asked before'
            ELSE 'not asked'
        END AS change
    FROM judged
),
placed AS (
    SELECT kind, unit_no, engine, surface, week, before, running, change, citations, prompts, asked,
        row_number() OVER (
            PARTITION BY engine, surface, week, kind, change ORDER BY citations DESC, prompts DESC, unit_no
        ) AS place
    FROM named
)
SELECT p.engine, p.surface, p.week, p.before, p.running, p.kind, p.change, p.place,
    CASE WHEN p.kind = 'page' THEN g.url ELSE g.site END AS unit, g.site, p.citations, p.prompts, p.asked,
    CASE WHEN p.asked IS NULL THEN 'the source does not say what was asked' END AS note
FROM placed AS p
JOIN page AS g ON g.page_no = p.unit_no
WHERE p.place <= getvariable('top')
ORDER BY p.engine, p.surface, p.week, p.kind, p.change, p.place;
