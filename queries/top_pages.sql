-- name: top_pages
-- description: Pages that most answers cite, per engine and surface.
-- param only_site VARCHAR: pages of this site only; default: of all sites
-- param since DATE: first week, by any day of it; default: everything, undated answers too
-- param until DATE: last week, by any day of it; default: everything, undated answers too
-- param top INTEGER: pages shown per engine and surface
--
-- rate = cited / asked: delivered answers that cite the page, among all delivered answers. low, high: its 95% interval
-- over the population of prompts, the sweeps as they were. engines: of all surfaces, in
-- how many the page was cited. prompts: different prompts among those answers. Redirects that nobody followed are no
-- pages and left out.
SET VARIABLE only_site = coalesce(getvariable('only_site')::VARCHAR, '');
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE top = coalesce(getvariable('top')::INTEGER, 20);
WITH prompting AS (
    SELECT engine, surface, prompt_no, CASE WHEN count(*) = count(asked) THEN CAST(sum(asked) AS BIGINT) END AS asked,
        min(week) AS first_week, max(week) AS last_week
    FROM asks
    WHERE (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
    GROUP BY engine, surface, prompt_no
),
-- A stream is an engine and a surface, by a number: quicker to count by than two texts.
asking AS (
    SELECT CAST(row_number() OVER (ORDER BY engine, surface) AS INTEGER) AS stream, engine, surface,
        CASE WHEN count(*) = count(asked) THEN CAST(sum(asked) AS BIGINT) END AS asked,
        count(prompt_no) FILTER (WHERE asked > 0) AS prompts, sum(power(asked, 2)) AS asked_squares,
        CASE
            WHEN count(*) FILTER (WHERE asked > 0 AND prompt_no IS NULL) > 0 THEN
                'no interval: the source does not say which prompts were asked'
            WHEN count(prompt_no) FILTER (WHERE asked > 0) = 19 THEN 'no interval: needs 1 more prompt'
            WHEN count(prompt_no) FILTER (WHERE asked > 0) < 20 THEN
                'no interval: needs ' || (20 - count(prompt_no) FILTER (WHERE asked > 0)) || ' more prompts'
        END AS lack,
        CASE WHEN min(first_week) = max(last_week) THEN 'this sweep, population of prompts'
            ELSE 'these sweeps, population of prompts' END AS estimand
    FROM prompting
    GROUP BY engine, surface
),
told AS (
    SELECT a.answer_no, s.stream
    FROM answers AS a
    LEFT JOIN asking AS s ON s.engine = a.engine AND s.surface = a.surface
    WHERE a.delivered
        AND (getvariable('since') IS NULL OR a.week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR a.week <= getvariable('until'))
),
paged AS (
    SELECT t.stream, c.page_no, count(*) AS cited
    FROM citation AS c
    JOIN told AS t ON t.answer_no = c.answer_no
    GROUP BY t.stream, c.page_no
    UNION ALL
    SELECT a.stream, c.page_no, sum(c.cited) AS cited
    FROM citations AS c
    JOIN asking AS a ON a.engine = c.engine AND a.surface = c.surface
    WHERE c.answer_no IS NULL
        AND (getvariable('since') IS NULL OR c.week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR c.week <= getvariable('until'))
    GROUP BY a.stream, c.page_no
),
counted AS (
    SELECT p.stream, p.page_no, CAST(sum(p.cited) AS BIGINT) AS cited
    FROM paged AS p
    JOIN page AS g ON g.page_no = p.page_no
    WHERE g.resolved AND g.site <> ''  -- text that is no address is no page
        AND (getvariable('only_site') = '' OR g.site = getvariable('only_site'))
    GROUP BY p.stream, p.page_no
),
placed AS (
    SELECT stream, page_no, cited, row_number() OVER (PARTITION BY stream ORDER BY cited DESC, page_no) AS place
    FROM counted
),
best AS (
    SELECT stream, page_no, cited, place
    FROM placed
    WHERE place <= getvariable('top')
),
reach AS (
    SELECT c.page_no, count(DISTINCT a.engine) AS engines
    FROM counted AS c
    JOIN (SELECT DISTINCT page_no FROM best) AS b ON b.page_no = c.page_no
    JOIN asking AS a ON a.stream = c.stream
    GROUP BY c.page_no
),
found AS (
    SELECT c.engine, c.surface, c.page_no, c.prompt_no, c.day, c.position, c.cited
    FROM citations AS c
    JOIN (SELECT DISTINCT page_no FROM best) AS b ON b.page_no = c.page_no
    WHERE (getvariable('since') IS NULL OR c.week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR c.week <= getvariable('until'))
),
detail AS (
    SELECT engine, surface, page_no, count(DISTINCT prompt_no) AS prompts, min(day) AS first_day, max(day) AS last_day,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY position) AS median_position
    FROM found
    GROUP BY engine, surface, page_no
),
prompted AS (
    SELECT engine, surface, page_no, prompt_no, sum(cited) AS cited
    FROM found
    GROUP BY engine, surface, page_no, prompt_no
),
answering AS (
    SELECT c.engine, c.surface, c.page_no, coalesce(bool_or(c.cited > a.asked), FALSE) AS is_impossible,
        sum(power(c.cited, 2)) AS squares, sum(c.cited * a.asked) AS products
    FROM prompted AS c
    JOIN prompting AS a ON a.engine = c.engine AND a.surface = c.surface AND a.prompt_no IS NOT DISTINCT FROM c.prompt_no
    GROUP BY c.engine, c.surface, c.page_no
),
rated AS (
    SELECT a.engine, a.surface, b.page_no, b.place, b.cited, n.is_impossible, n.squares, n.products,
        a.asked, a.prompts, a.asked_squares, a.lack, a.estimand,
        CASE WHEN NOT n.is_impossible THEN b.cited / nullif(a.asked, 0) END AS rate
    FROM best AS b
    JOIN asking AS a ON a.stream = b.stream
    JOIN answering AS n ON n.engine = a.engine AND n.surface = a.surface AND n.page_no = b.page_no
),
sure AS (
    -- As in site_trajectory: t by its expansion in 1 / freedom (Abramowitz and Stegun 26.7.5), of 19 degrees or more.
    SELECT *,
        coalesce(
            CASE WHEN rate * (1 - rate) > 0 THEN rate * (1 - rate) / nullif(greatest(
                (squares - 2 * rate * products + rate * rate * asked_squares) / nullif(power(asked, 2), 0)
                    * prompts / nullif(prompts - 1, 0),
                rate * (1 - rate) / nullif(asked, 0)
            ), 0) END,
            prompts
        ) AS answers,
        1.959963984540054 + 2.372271230298562 / nullif(prompts - 1, 0)
            + 2.8224986157396112 / nullif(power(prompts - 1, 2), 0)
            + 2.555849679507722 / nullif(power(prompts - 1, 3), 0)
            + 1.5895340533938225 / nullif(power(prompts - 1, 4), 0) AS t
    FROM rated
),
limits AS (
    SELECT *, rate IS NOT NULL AND lack IS NULL AS is_sure,
        (rate + t * t / nullif(2 * answers, 0)) / nullif(1 + t * t / nullif(answers, 0), 0) AS middle,
        t / nullif(1 + t * t / nullif(answers, 0), 0)
            * sqrt(rate * (1 - rate) / nullif(answers, 0) + t * t / nullif(4 * answers * answers, 0)) AS half
    FROM sure
)
SELECT n.engine, n.surface, n.place, g.url, g.site, n.cited, n.asked, n.rate,
    CASE WHEN n.is_sure THEN CASE WHEN n.rate = 0 THEN 0 ELSE n.middle - n.half END END AS low,
    CASE WHEN n.is_sure THEN CASE WHEN n.rate = 1 THEN 1 ELSE n.middle + n.half END END AS high,
    CASE WHEN n.is_sure THEN n.estimand END AS estimand,
    d.prompts, r.engines, d.median_position, d.first_day, d.last_day,
    CASE
        WHEN n.asked IS NULL THEN 'the source does not say what was asked'
        WHEN n.is_impossible THEN 'more answers cited than were asked: see to the source'
        ELSE n.lack
    END AS note
FROM limits AS n
JOIN page AS g ON g.page_no = n.page_no
JOIN reach AS r ON r.page_no = n.page_no
JOIN detail AS d ON d.engine = n.engine AND d.surface = n.surface AND d.page_no = n.page_no
ORDER BY n.engine, n.surface, n.place;
