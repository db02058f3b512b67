-- name: decision_grade
-- description: Whether the data of each engine and surface carry a decision: six criteria, each against its threshold.
-- param since DATE: first week, by any day of it; default: everything
-- param until DATE: last week, by any day of it; default: everything
-- param today DATE: day whose week still runs and is left out; default: today in UTC
--
-- A sweep is a finished week in which the engine was asked on this surface.
--   prompts              median number of different prompts per sweep, at least 50
--   repeats              median answers per prompt and sweep, at least 4
--   engines              engines asked in any sweep, on all surfaces together, at least 3
--   weeks                sweeps, at least 8
--   cadence_days         median days from one sweep to the next, at most 7
--   denominators_known   share of prompts and weeks for which the source says how often they were asked, at least 1
-- The dimensions are those of the IAB's measurement guide of 2026 (query volume, sample size, platforms, cadence,
-- reproducibility); 50 prompts is its number, the other thresholds are this program's.
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE today = coalesce(getvariable('today')::DATE, CAST(current_timestamp AT TIME ZONE 'UTC' AS DATE));
WITH cell AS (
    SELECT engine, surface, week, prompt_no,
        CASE WHEN count(*) = count(asked) THEN CAST(sum(asked) AS BIGINT) END AS asked
    FROM asked
    WHERE (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
        AND (week IS NULL OR week < CAST(date_trunc('week', getvariable('today')) AS DATE))
    GROUP BY engine, surface, week, prompt_no
),
stream AS (
    SELECT engine, surface, count(asked) / nullif(count(*), 0) AS known
    FROM cell
    GROUP BY engine, surface
),
sweep AS (
    SELECT engine, surface, week, count(prompt_no) AS prompts,
        date_diff('day', lag(week) OVER (PARTITION BY engine, surface ORDER BY week), week) AS gap
    FROM cell
    WHERE week IS NOT NULL AND (asked IS NULL OR asked > 0)
    GROUP BY engine, surface, week
),
swept AS (
    SELECT engine, surface, count(*) AS weeks,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY prompts) AS prompts,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) AS cadence_days
    FROM sweep
    GROUP BY engine, surface
),
repeated AS (
    SELECT engine, surface, percentile_cont(0.5) WITHIN GROUP (ORDER BY asked) AS repeats
    FROM cell
    WHERE week IS NOT NULL AND prompt_no IS NOT NULL AND asked > 0
    GROUP BY engine, surface
),
market AS (
    SELECT count(DISTINCT engine) AS engines FROM sweep
),
judged AS (
    SELECT t.engine, t.surface, 1 AS place, 'prompts' AS criterion, CAST(s.prompts AS DOUBLE) AS value,
        'at least' AS bound, 50 AS threshold, 'add prompts to the basket' AS advice
    FROM stream AS t
    LEFT JOIN swept AS s ON s.engine = t.engine AND s.surface = t.surface
    UNION ALL
    SELECT t.engine, t.surface, 2, 'repeats', CAST(r.repeats AS DOUBLE), 'at least', 4,
        'ask each prompt more often in a sweep'
    FROM stream AS t
    LEFT JOIN repeated AS r ON r.engine = t.engine AND r.surface = t.surface
    UNION ALL
    SELECT t.engine, t.surface, 3, 'engines', CAST(m.engines AS DOUBLE), 'at least', 3, 'ask more engines'
    FROM stream AS t
    CROSS JOIN market AS m
    UNION ALL
    SELECT t.engine, t.surface, 4, 'weeks', CAST(coalesce(s.weeks, 0) AS DOUBLE), 'at least', 8, 'keep asking for more weeks'
    FROM stream AS t
    LEFT JOIN swept AS s ON s.engine = t.engine AND s.surface = t.surface
    UNION ALL
    SELECT t.engine, t.surface, 5, 'cadence_days', CAST(s.cadence_days AS DOUBLE), 'at most', 7, 'ask every week'
    FROM stream AS t
    LEFT JOIN swept AS s ON s.engine = t.engine AND s.surface = t.surface
    UNION ALL
    SELECT t.engine, t.surface, 6, 'denominators_known', t.known, 'at least', 1,
        'take a source that says how often it asked, or ask yourself'
    FROM stream AS t
),
passed AS (
    SELECT engine, surface, place, criterion, value, bound, threshold, advice,
        coalesce(CASE WHEN bound = 'at least' THEN value >= threshold ELSE value <= threshold END, FALSE) AS passed
    FROM judged
)
SELECT engine, surface, criterion, value, bound, threshold, passed, CASE WHEN NOT passed THEN advice END AS next_step
FROM passed
ORDER BY engine, surface, place;
