-- name: retrieved_not_cited
-- description: Pages the engines often consult and seldom cite, per engine and surface.
-- param only_site VARCHAR: pages of this site only; default: of all sites
-- param since DATE: first week, by any day of it; default: everything, undated answers too
-- param until DATE: last week, by any day of it; default: everything, undated answers too
-- param least INTEGER: answers that must have consulted a page for it to be shown
-- param top INTEGER: pages shown per engine and surface
--
-- retrieved: delivered answers whose engine listed the page as consulted. cited_of_retrieved: of these, how many cite
-- it; rate = cited_of_retrieved / retrieved, with its 95% interval over the population of prompts. not_cited = retrieved - cited_of_retrieved orders the pages.
-- cited_unlisted: answers that cite the page without listing it as consulted; where there are many, the engine lists
-- only part of what it reads, and the rate is of that part.
SET VARIABLE only_site = coalesce(getvariable('only_site')::VARCHAR, '');
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE least = coalesce(getvariable('least')::INTEGER, 5);
SET VARIABLE top = coalesce(getvariable('top')::INTEGER, 20);
WITH told AS (
    SELECT answer_no, engine, surface, prompt_no, week
    FROM answers
    WHERE delivered
        AND (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
),
wanted AS (
    SELECT page_no, url, site
    FROM page
    WHERE resolved AND (getvariable('only_site') = '' OR site = getvariable('only_site'))
),
consulted AS (
    SELECT t.engine, t.surface, r.page_no, count(*) AS retrieved
    FROM retrieval AS r
    JOIN told AS t ON t.answer_no = r.answer_no
    JOIN wanted AS w ON w.page_no = r.page_no
    GROUP BY t.engine, t.surface, r.page_no
),
both_of_them AS (
    SELECT t.engine, t.surface, b.page_no, count(*) AS cited
    FROM (
        SELECT r.answer_no, r.page_no
        FROM retrieval AS r
        JOIN citation AS c ON c.answer_no = r.answer_no AND c.page_no = r.page_no
        JOIN wanted AS w ON w.page_no = r.page_no
    ) AS b
    JOIN told AS t ON t.answer_no = b.answer_no
    GROUP BY t.engine, t.surface, b.page_no
),
placed AS (
    SELECT r.engine, r.surface, r.page_no, g.url, g.site, r.retrieved, coalesce(b.cited, 0) AS cited,
        row_number() OVER (
            PARTITION BY r.engine, r.surface ORDER BY r.retrieved - coalesce(b.cited, 0) DESC, r.page_no
        ) AS place
    FROM consulted AS r
    JOIN wanted AS g ON g.page_no = r.page_no
    LEFT JOIN both_of_them AS b ON b.engine = r.engine AND b.surface = r.surface AND b.page_no = r.page_no
    WHERE r.retrieved >= getvariable('least') AND r.retrieved > coalesce(b.cited, 0)
),
shown AS (
    SELECT engine, surface, page_no, url, site, retrieved, cited, place
    FROM placed
    WHERE place <= getvariable('top')
),
citing AS (
    SELECT c.answer_no, c.page_no
    FROM citation AS c
    JOIN (SELECT DISTINCT page_no FROM shown) AS s ON s.page_no = c.page_no
),
cited_at_all AS (
    SELECT t.engine, t.surface, c.page_no, count(*) AS cited
    FROM citing AS c
    JOIN told AS t ON t.answer_no = c.answer_no
    GROUP BY t.engine, t.surface, c.page_no
),
prompted AS (
    SELECT t.engine, t.surface, r.page_no, t.prompt_no, count(*) AS retrieved, count(c.answer_no) AS cited,
        min(t.week) AS first_week, max(t.week) AS last_week
    FROM retrieval AS r
    JOIN (SELECT DISTINCT page_no FROM shown) AS s ON s.page_no = r.page_no
    JOIN told AS t ON t.answer_no = r.answer_no
    LEFT JOIN citing AS c ON c.answer_no = r.answer_no AND c.page_no = r.page_no
    GROUP BY t.engine, t.surface, r.page_no, t.prompt_no
),
rated AS (
    SELECT engine, surface, page_no, sum(cited) / nullif(sum(retrieved), 0) AS rate, sum(retrieved) AS retrieved,
        count(*) AS prompts, sum(power(cited, 2)) AS squares, sum(cited * retrieved) AS products,
        sum(power(retrieved, 2)) AS retrieved_squares,
        CASE
            WHEN count(*) > count(prompt_no) THEN 'no interval: the source does not say which prompts were asked'
            WHEN count(*) = 19 THEN 'no interval: needs 1 more prompt'
            WHEN count(*) < 20 THEN 'no interval: needs ' || (20 - count(*)) || ' more prompts'
        END AS lack,
        CASE WHEN min(first_week) = max(last_week) THEN 'this sweep, population of prompts'
            ELSE 'these sweeps, population of prompts' END AS estimand
    FROM prompted
    GROUP BY engine, surface, page_no
),
sure AS (
    -- As in site_trajectory: t by its expansion in 1 / freedom (Abramowitz and Stegun 26.7.5), of 19 degrees or more.
    SELECT *,
        coalesce(
            CASE WHEN rate * (1 - rate) > 0 THEN rate * (1 - rate) / nullif(greatest(
                (squares - 2 * rate * products + rate * rate * retrieved_squares) / nullif(power(retrieved, 2), 0)
                    * prompts / nullif(prompts - 1, 0),
                rate * (1 - rate) / nullif(retrieved, 0)
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
SELECT s.engine, s.surface, s.place, s.url, s.site, s.retrieved, s.cited AS cited_of_retrieved,
    s.retrieved - s.cited AS not_cited, s.cited / nullif(s.retrieved, 0) AS rate,
    CASE WHEN n.is_sure THEN CASE WHEN n.rate = 0 THEN 0 ELSE n.middle - n.half END END AS low,
    CASE WHEN n.is_sure THEN CASE WHEN n.rate = 1 THEN 1 ELSE n.middle + n.half END END AS high,
    CASE WHEN n.is_sure THEN n.estimand END AS estimand,
    coalesce(c.cited, 0) - s.cited AS cited_unlisted, n.lack AS note
FROM shown AS s
JOIN limits AS n ON n.engine = s.engine AND n.surface = s.surface AND n.page_no = s.page_no
LEFT JOIN cited_at_all AS c ON c.engine = s.engine AND c.surface = s.surface AND c.page_no = s.page_no
ORDER BY s.engine, s.surface, s.place;
