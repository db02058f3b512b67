-- name: volatility
-- description: How much the cited sites change from one weekly sweep to the next, per engine and surface.
-- param since DATE: first week of change, by any day of it; default: the first there is
-- param until DATE: last week of change, by any day of it; default: the last there is
-- param today DATE: day whose week still runs; default: today in UTC
--
-- Compared are the prompts asked in `week` and in `before`, the sweep before it, so that a changed basket is no change;
-- answers whose prompt is not known are taken as of one and the same.
-- A and B are the sets of sites cited in the two; p and q the shares of citations of each site.
--   jaccard      |A and B| / |A or B|: 1 the same sites, 0 none in common. Its complement is the Jaccard distance.
--   bray_curtis  sum |p - q| / sum (p + q) = 1 - sum of the smaller shares: 0 the same shares, 1 nothing in common.
-- Neither is 0 change when an engine stands still: asked again it draws other pages, the more so the fewer the answers.
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE today = coalesce(getvariable('today')::DATE, CAST(current_timestamp AT TIME ZONE 'UTC' AS DATE));
WITH asking AS (
    SELECT engine, surface, week, prompt_no,
        CASE WHEN count(*) = count(asked) THEN CAST(sum(asked) AS BIGINT) END AS asked
    FROM asked
    WHERE week IS NOT NULL AND (asked IS NULL OR asked > 0)
    GROUP BY engine, surface, week, prompt_no
),
step AS (
    SELECT engine, surface, week, lag(week) OVER (PARTITION BY engine, surface ORDER BY week) AS before,
        CAST(row_number() OVER (ORDER BY engine, surface, week) AS INTEGER) AS step_no
    FROM (SELECT DISTINCT engine, surface, week FROM asking) AS swept
),
-- line: a prompt of an engine through the weeks; cell: in one of them. As hashes, because one number is found fastest.
numbered AS (
    SELECT s.step_no, a.prompt_no, a.asked, hash(a.engine, a.surface, a.prompt_no) AS line,
        hash(a.engine, a.surface, a.week, a.prompt_no) AS cell
    FROM asking AS a
    JOIN step AS s ON s.engine = a.engine AND s.surface = a.surface AND s.week = a.week
),
neighboured AS (
    SELECT step_no, prompt_no, asked, cell,
        coalesce(lag(step_no) OVER (PARTITION BY line ORDER BY step_no) = step_no - 1, FALSE) AS as_before,
        coalesce(lead(step_no) OVER (PARTITION BY line ORDER BY step_no) = step_no + 1, FALSE) AS as_after
    FROM numbered
),
-- as_before, as_after: 1 or 0 for each answer, so that its millions of citations are only added up.
cell AS (
    SELECT step_no, cell, CAST(as_before AS DOUBLE) AS as_before, CAST(as_after AS DOUBLE) AS as_after
    FROM neighboured
),
-- Each answer finds its sweep before its pages are looked up; by one key, of whose matches the planner has an idea.
answering AS (
    SELECT a.answer_no, n.step_no, n.as_before, n.as_after
    FROM answers AS a
    JOIN cell AS n ON n.cell = hash(a.engine, a.surface, a.week, a.prompt_no)
    WHERE a.delivered
),
cited_page AS (
    SELECT a.step_no, c.page_no, a.as_before AS with_before, a.as_after AS with_after
    FROM citation AS c
    JOIN answering AS a ON a.answer_no = c.answer_no
    UNION ALL
    SELECT n.step_no, o.page_no, n.as_before * o.cited AS with_before, n.as_after * o.cited AS with_after
    FROM observations AS o
    JOIN cell AS n ON n.cell = hash(o.engine, o.surface, o.week, o.prompt_no)
    WHERE o.cited > 0
),
cited AS (
    SELECT c.step_no, s.site_no, sum(c.with_before) AS with_before, sum(c.with_after) AS with_after
    FROM cited_page AS c
    JOIN page_sites AS s ON s.page_no = c.page_no
    WHERE s.site <> ''
    GROUP BY c.step_no, s.site_no
),
summed AS (
    SELECT step_no, sum(with_before) AS with_before, sum(with_after) AS with_after,
        count(*) FILTER (WHERE with_before > 0) AS sites_with_before,
        count(*) FILTER (WHERE with_after > 0) AS sites_with_after
    FROM cited
    GROUP BY step_no
),
shared AS (
    SELECT a.step_no, count(*) AS sites,
        sum(least(a.with_before / nullif(t.with_before, 0), b.with_after / nullif(u.with_after, 0))) AS share
    FROM cited AS a
    JOIN cited AS b ON b.step_no = a.step_no - 1 AND b.site_no = a.site_no
    JOIN summed AS t ON t.step_no = a.step_no
    JOIN summed AS u ON u.step_no = b.step_no
    WHERE a.with_before > 0 AND b.with_after > 0
    GROUP BY a.step_no
),
prompted AS (
    SELECT step_no, count(prompt_no) FILTER (WHERE as_before) AS prompts, count(*) FILTER (WHERE as_before) AS cells,
        CASE WHEN count(*) = count(asked) THEN CAST(sum(CASE WHEN as_before THEN asked ELSE 0 END) AS BIGINT) END AS later,
        CASE WHEN count(*) = count(asked) THEN CAST(sum(CASE WHEN as_after THEN asked ELSE 0 END) AS BIGINT) END AS earlier
    FROM neighboured
    GROUP BY step_no
),
compared AS (
    SELECT s.engine, s.surface, s.week, s.before, p.prompts, p.cells, b.earlier AS asked_before, p.later AS asked,
        coalesce(u.sites_with_after, 0) AS sites_before, coalesce(t.sites_with_before, 0) AS sites_after,
        coalesce(c.sites, 0) AS sites_both, coalesce(c.share, 0) AS share
    FROM step AS s
    JOIN prompted AS p ON p.step_no = s.step_no
    JOIN prompted AS b ON b.step_no = s.step_no - 1
    LEFT JOIN summed AS t ON t.step_no = s.step_no
    LEFT JOIN summed AS u ON u.step_no = s.step_no - 1
    LEFT JOIN shared AS c ON c.step_no = s.step_no
    WHERE s.before IS NOT NULL
        AND (getvariable('since') IS NULL OR s.week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR s.week <= getvariable('until'))
)
SELECT engine, surface, week, before, week >= CAST(date_trunc('week', getvariable('today')) AS DATE) AS running,
    prompts, asked_before, asked, sites_before, sites_after, sites_both,
    sites_both / nullif(sites_before + sites_after - sites_both, 0) AS jaccard,
    CASE WHEN sites_before > 0 AND sites_after > 0 THEN 1 - share END AS bray_curtis,
    CASE
        WHEN cells = 0 THEN 'no prompt was asked in both weeks'
        WHEN sites_before = 0 OR sites_after = 0 THEN 'a sweep without any citation'
        WHEN asked_before IS NULL OR asked IS NULL THEN 'the source does not say what was asked'
    END AS note
FROM compared
ORDER BY engine, surface, week;
