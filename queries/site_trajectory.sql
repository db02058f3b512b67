-- name: site_trajectory
-- description: Week by week, how many answers of each engine and surface cite one site, with a 95% interval.
-- param site VARCHAR: site to follow, lower case, no scheme
-- param since DATE: first week, by any day of it; default: the first there is
-- param until DATE: last week, by any day of it; default: the last there is
-- param today DATE: day whose week still runs; default: today in UTC
--
-- rate = cited / asked: delivered answers that cite the site at least once, among all delivered answers. Null where a
-- source does not say what was asked, or where counts of several pages may share answers; `note` says which.
-- low, high: the interval of what `estimand` names. Wilson's form with the number of independent answers in place of
-- the number of answers (Cochran 1977, eq. 11.30 over prompts; eq. 5.7 within them), t with the degrees of freedom of the
-- variance. best_position and median_position: of the first page of the site in each answer.
SET VARIABLE site = coalesce(getvariable('site')::VARCHAR, 'example.com');
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE today = coalesce(getvariable('today')::DATE, CAST(current_timestamp AT TIME ZONE 'UTC' AS DATE));
WITH asking AS (
    SELECT engine, surface, week, prompt_no,
        CASE WHEN count(*) = count(asked) THEN CAST(sum(asked) AS BIGINT) END AS asked
    FROM asked
    WHERE week IS NOT NULL
        AND (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
    GROUP BY engine, surface, week, prompt_no
),
sighting AS (
    SELECT answer_no, provider, engine, surface, model_served, prompt_no, topic, week, asked_at, asked,
        page_no, resolved, position, cited
    FROM citations
    WHERE site = getvariable('site') AND week IS NOT NULL
),
citing_answer AS (
    SELECT engine, surface, week, prompt_no, 1 AS cited, 1 AS cited_most, min(position) AS position
    FROM sighting
    WHERE answer_no IS NOT NULL
    GROUP BY engine, surface, week, prompt_no, answer_no
    UNION ALL
    SELECT engine, surface, week, prompt_no, max(cited) AS cited,
        least(sum(cited), coalesce(max(asked), sum(cited))) AS cited_most, min(position) AS position
    FROM sighting
    WHERE answer_no IS NULL
    GROUP BY provider, engine, surface, model_served, week, prompt_no, topic, asked_at
),
citing AS (
    SELECT engine, surface, week, prompt_no,
        CAST(sum(cited) AS BIGINT) AS cited, CAST(sum(cited_most) AS BIGINT) AS cited_most
    FROM citing_answer
    GROUP BY engine, surface, week, prompt_no
),
cell AS (
    SELECT a.engine, a.surface, a.week, a.prompt_no, a.asked,
        coalesce(c.cited, 0) AS cited, coalesce(c.cited_most, 0) AS cited_most
    FROM asking AS a
    LEFT JOIN citing AS c ON c.engine = a.engine AND c.surface = a.surface AND c.week = a.week
        AND c.prompt_no IS NOT DISTINCT FROM a.prompt_no
    WHERE a.asked IS NULL OR a.asked > 0
),
total AS (
    SELECT engine, surface, week,
        CASE WHEN count(*) = count(asked) THEN CAST(sum(asked) AS BIGINT) END AS asked,
        CAST(sum(cited) AS BIGINT) AS cited, CAST(sum(cited_most) AS BIGINT) AS cited_most,
        count(prompt_no) AS prompts,
        count(*) FILTER (WHERE prompt_no IS NULL) AS unnamed,
        count(*) FILTER (WHERE asked >= 2) AS repeated,
        count(*) FILTER (WHERE cited_most > asked) AS impossible
    FROM cell
    GROUP BY engine, surface, week
),
rated AS (
    SELECT engine, surface, week, asked, cited, prompts, unnamed, repeated,
        CASE WHEN cited = cited_most AND impossible = 0 THEN cited / nullif(asked, 0) END AS rate,
        CASE
            WHEN asked IS NULL THEN 'the source does not say what was asked'
            WHEN impossible > 0 THEN 'more answers cited than were asked: see to the source'
            WHEN cited < cited_most THEN 'cited by ' || cited || ' to ' || cited_most || ' answers: pages may share them'
        END AS trouble
    FROM total
),
spread AS (
    SELECT r.engine, r.surface, r.week,
        sum(power(c.cited - r.rate * c.asked, 2)) / nullif(power(max(r.asked), 2), 0) AS between_prompts,
        sum(c.asked * CASE
            WHEN c.asked >= 2
                THEN c.cited / nullif(c.asked, 0) * (1 - c.cited / nullif(c.asked, 0)) * c.asked / nullif(c.asked - 1, 0)
            ELSE r.rate * (1 - r.rate)
        END) / nullif(max(r.asked), 0) AS within_prompts
    FROM rated AS r
    JOIN cell AS c ON c.engine = r.engine AND c.surface = r.surface AND c.week = r.week
    WHERE r.rate IS NOT NULL
    GROUP BY r.engine, r.surface, r.week
),
measured AS (
    SELECT r.engine, r.surface, r.week, r.rate,
        CASE
            WHEN r.prompts >= 20 THEN 'this sweep, population of prompts'
            ELSE 'this basket, this sweep'
        END AS estimand,
        CASE WHEN r.prompts >= 20 THEN r.prompts - 1 ELSE r.asked - r.prompts END AS freedom,
        CASE WHEN r.prompts >= 20 THEN r.prompts ELSE r.asked END AS units,
        CASE
            WHEN r.prompts >= 20 THEN greatest(
                s.between_prompts * r.prompts / nullif(r.prompts - 1, 0), r.rate * (1 - r.rate) / nullif(r.asked, 0))
            ELSE ((r.asked - r.prompts) * s.within_prompts + 2 * r.rate * (1 - r.rate))
                / nullif(r.asked - r.prompts + 2, 0) / nullif(r.asked, 0)
        END AS variance
    FROM rated AS r
    JOIN spread AS s ON s.engine = r.engine AND s.surface = r.surface AND s.week = r.week
    WHERE r.unnamed = 0 AND (r.prompts >= 20 OR 2 * r.repeated > r.prompts)
),
student AS (
    -- .975 quantile of Student's t: tabled where the expansion in 1 / freedom (Abramowitz and Stegun 26.7.5) errs.
    SELECT m.engine, m.surface, m.week, m.rate, m.estimand,
        coalesce(
            CASE WHEN m.rate * (1 - m.rate) > 0 THEN m.rate * (1 - m.rate) / nullif(m.variance, 0) END, m.units
        ) AS answers,
        coalesce(
            t.quantile,
            1.959963984540054 + 2.372271230298562 / nullif(m.freedom, 0)
            + 2.8224986157396112 / nullif(power(m.freedom, 2), 0)
            + 2.555849679507722 / nullif(power(m.freedom, 3), 0)
            + 1.5895340533938225 / nullif(power(m.freedom, 4), 0)
        ) AS t
    FROM measured AS m
    LEFT JOIN (
        VALUES (1, 12.706204736), (2, 4.302652730), (3, 3.182446305), (4, 2.776445105), (5, 2.570581836),
            (6, 2.446911851), (7, 2.364624252), (8, 2.306004135), (9, 2.262157163)
    ) AS t(freedom, quantile) ON t.freedom = m.freedom
),
limits AS (
    SELECT engine, surface, week, estimand, rate,
        (rate + t * t / nullif(2 * answers, 0)) / nullif(1 + t * t / nullif(answers, 0), 0) AS middle,
        t / nullif(1 + t * t / nullif(answers, 0), 0)
            * sqrt(rate * (1 - rate) / nullif(answers, 0) + t * t / nullif(4 * answers * answers, 0)) AS half
    FROM student
),
place AS (
    SELECT engine, surface, week, min(position) AS best_position,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY position) AS median_position
    FROM citing_answer
    GROUP BY engine, surface, week
),
seen AS (
    SELECT engine, surface, week, count(DISTINCT CASE WHEN resolved THEN page_no END) AS pages,
        CAST(sum(cited) AS BIGINT) AS sightings
    FROM sighting
    GROUP BY engine, surface, week
)
SELECT r.engine, r.surface, r.week,
    r.week >= CAST(date_trunc('week', getvariable('today')) AS DATE) AS running,
    r.asked, r.prompts, r.cited, r.rate,
    CASE WHEN l.rate = 0 THEN 0 ELSE l.middle - l.half END AS low,
    CASE WHEN l.rate = 1 THEN 1 ELSE l.middle + l.half END AS high,
    l.estimand, p.best_position, p.median_position,
    coalesce(s.pages, 0) AS pages, coalesce(s.sightings, 0) AS sightings,
    coalesce(
        r.trouble,
        CASE
            WHEN l.estimand IS NOT NULL OR r.rate IS NULL THEN NULL
            WHEN r.unnamed > 0 THEN 'no interval: the source does not say which prompts were asked'
            WHEN r.prompts = 19 THEN 'no interval: needs 1 more prompt, or 2 repeats of most prompts'
            ELSE 'no interval: needs ' || (20 - r.prompts) || ' more prompts, or 2 repeats of most prompts'
        END
    ) AS note
FROM rated AS r
LEFT JOIN limits AS l ON l.engine = r.engine AND l.surface = r.surface AND l.week = r.week
LEFT JOIN place AS p ON p.engine = r.engine AND p.surface = r.surface AND p.week = r.week
LEFT JOIN seen AS s ON s.engine = r.engine AND s.surface = r.surface AND s.week = r.week
ORDER BY r.engine, r.surface, r.week;
