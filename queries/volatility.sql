-- name: volatility
-- description: How much the cited sites change from one weekly sweep to the next, per engine and surface.
-- param since DATE: first week of change, by any day of it; default: the first there is
-- param until DATE: last week of change, by any day of it; default: the last there is
-- param today DATE: day whose week still runs; default: today in UTC
--
-- Compared are the prompts asked in `week` and in `before`, the sweep before it, so that a changed basket is no change.
-- A and B are the sets of sites cited in the two; p and q the shares of citations of each site.
--   jaccard      |A and B| / |A or B|: 1 the same sites, 0 none in common. Its complement is the Jaccard distance.
--   bray_curtis  sum |p - q| / sum (p + q) = 1 - sum of the smaller share: 0 the same shares, 1 nothing in common.
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
numbered AS (
    SELECT engine, surface, week, prompt_no, asked,
        dense_rank() OVER (PARTITION BY engine, surface ORDER BY week) AS sweep_no
    FROM asking
),
neighboured AS (
    SELECT engine, surface, week, prompt_no, asked, sweep_no,
        coalesce(
            lag(sweep_no) OVER (PARTITION BY engine, surface, prompt_no ORDER BY sweep_no) = sweep_no - 1, FALSE
        ) AS as_before,
        coalesce(
            lead(sweep_no) OVER (PARTITION BY engine, surface, prompt_no ORDER BY sweep_no) = sweep_no + 1, FALSE
        ) AS as_after
    FROM numbered
),
step AS (
    SELECT engine, surface, sweep_no, week, lag(week) OVER (PARTITION BY engine, surface ORDER BY week) AS before
    FROM (SELECT DISTINCT engine, surface, sweep_no, week FROM numbered) AS swept
),
-- Each answer, and each sighting whose answers are not at hand, with its sweep before pages are looked up.
answering AS (
    SELECT a.answer_no, n.engine, n.surface, n.sweep_no, n.as_before, n.as_after
    FROM answers AS a
    JOIN neighboured AS n ON n.engine = a.engine AND n.surface = a.surface AND n.week = a.week
        AND n.prompt_no IS NOT DISTINCT FROM a.prompt_no
    WHERE a.delivered
),
paged AS (
    SELECT a.engine, a.surface, a.sweep_no, c.page_no,
        count(*) FILTER (WHERE a.as_before) AS with_before, count(*) FILTER (WHERE a.as_after) AS with_after
    FROM citation AS c
    JOIN answering AS a ON a.answer_no = c.answer_no
    GROUP BY a.engine, a.surface, a.sweep_no, c.page_no
    UNION ALL
    SELECT n.engine, n.surface, n.sweep_no, o.page_no,
        coalesce(sum(o.cited) FILTER (WHERE n.as_before), 0) AS with_before,
        coalesce(sum(o.cited) FILTER (WHERE n.as_after), 0) AS with_after
    FROM observations AS o
    JOIN neighboured AS n ON n.engine = o.engine AND n.surface = o.surface AND n.week = o.week
        AND n.prompt_no IS NOT DISTINCT FROM o.prompt_no
    WHERE o.cited > 0
    GROUP BY n.engine, n.surface, n.sweep_no, o.page_no
),
cited AS (
    SELECT p.engine, p.surface, p.sweep_no, s.site_no,
        CAST(sum(p.with_before) AS BIGINT) AS with_before, CAST(sum(p.with_after) AS BIGINT) AS with_after
    FROM paged AS p
    JOIN page_sites AS s ON s.page_no = p.page_no
    WHERE s.site <> ''
    GROUP BY p.engine, p.surface, p.sweep_no, s.site_no
),
laid AS (
    SELECT engine, surface, sweep_no, site_no, sum(earlier) AS earlier, sum(later) AS later
    FROM (
        SELECT engine, surface, sweep_no, site_no, 0 AS earlier, with_before AS later
        FROM cited
        WHERE with_before > 0
        UNION ALL
        SELECT engine, surface, sweep_no + 1 AS sweep_no, site_no, with_after AS earlier, 0 AS later
        FROM cited
        WHERE with_after > 0
    ) AS side
    GROUP BY engine, surface, sweep_no, site_no
),
summed AS (
    SELECT engine, surface, sweep_no, sum(earlier) AS earlier, sum(later) AS later
    FROM laid
    GROUP BY engine, surface, sweep_no
),
compared AS (
    SELECT l.engine, l.surface, l.sweep_no,
        count(*) FILTER (WHERE l.earlier > 0) AS sites_before,
        count(*) FILTER (WHERE l.later > 0) AS sites_after,
        count(*) FILTER (WHERE l.earlier > 0 AND l.later > 0) AS sites_both,
        count(*) AS sites_either,
        sum(abs(l.earlier / nullif(t.earlier, 0) - l.later / nullif(t.later, 0))) / 2 AS bray_curtis
    FROM laid AS l
    JOIN summed AS t ON t.engine = l.engine AND t.surface = l.surface AND t.sweep_no = l.sweep_no
    GROUP BY l.engine, l.surface, l.sweep_no
),
prompted AS (
    SELECT engine, surface, sweep_no, count(*) FILTER (WHERE as_before) AS prompts,
        CASE WHEN count(*) = count(asked) THEN CAST(sum(CASE WHEN as_before THEN asked ELSE 0 END) AS BIGINT) END AS later,
        CASE WHEN count(*) = count(asked) THEN CAST(sum(CASE WHEN as_after THEN asked ELSE 0 END) AS BIGINT) END AS earlier
    FROM neighboured
    GROUP BY engine, surface, sweep_no
)
SELECT s.engine, s.surface, s.week, s.before,
    s.week >= CAST(date_trunc('week', getvariable('today')) AS DATE) AS running,
    p.prompts, b.earlier AS asked_before, p.later AS asked,
    coalesce(c.sites_before, 0) AS sites_before, coalesce(c.sites_after, 0) AS sites_after,
    coalesce(c.sites_both, 0) AS sites_both,
    c.sites_both / nullif(c.sites_either, 0) AS jaccard,
    c.bray_curtis,
    CASE
        WHEN p.prompts = 0 THEN 'no prompt was asked in both weeks'
        WHEN c.bray_curtis IS NULL THEN 'a sweep without any citation'
        WHEN b.earlier IS NULL OR p.later IS NULL THEN 'the source does not say what was asked'
    END AS note
FROM step AS s
JOIN prompted AS p ON p.engine = s.engine AND p.surface = s.surface AND p.sweep_no = s.sweep_no
JOIN prompted AS b ON b.engine = s.engine AND b.surface = s.surface AND b.sweep_no = s.sweep_no - 1
LEFT JOIN compared AS c ON c.engine = s.engine AND c.surface = s.surface AND c.sweep_no = s.sweep_no
WHERE s.before IS NOT NULL
    AND (getvariable('since') IS NULL OR s.week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
    AND (getvariable('until') IS NULL OR s.week <= getvariable('until'))
ORDER BY s.engine, s.surface, s.week;
