-- name: citation_share
-- description: Share of answers and of citations of each site, per engine and surface, and how concentrated they are.
-- param since DATE: first week, by any day of it; default: everything, undated answers too
-- param until DATE: last week, by any day of it; default: everything, undated answers too
-- param top INTEGER: sites shown per engine and surface
--
-- rate = cited / asked: delivered answers that cite the site at least once, among all delivered answers. low, high: its
-- 95% interval over the population of prompts, the sweeps as they were; `compare` tells what lasts over time.
-- citation_share = citations / citations of all sites with a name: a page cited by an answer is one citation.
-- effective_sites = 1 / sum of squared citation shares (inverse Herfindahl): as many sites of equal share would be as
-- concentrated. unnamed_share: citations that name no site; unresolved_share: redirects that nobody followed, with or
-- without a site's name; both among all citations.
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE top = coalesce(getvariable('top')::INTEGER, 10);
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
    SELECT a.answer_no, a.prompt_no, s.stream
    FROM answers AS a
    LEFT JOIN asking AS s ON s.engine = a.engine AND s.surface = a.surface
    WHERE a.delivered
        AND (getvariable('since') IS NULL OR a.week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR a.week <= getvariable('until'))
),
paged AS (
    SELECT t.stream, c.page_no, count(*) AS citations
    FROM citation AS c
    JOIN told AS t ON t.answer_no = c.answer_no
    GROUP BY t.stream, c.page_no
    UNION ALL
    SELECT a.stream, c.page_no, sum(c.cited) AS citations
    FROM citations AS c
    JOIN asking AS a ON a.engine = c.engine AND a.surface = c.surface
    WHERE c.answer_no IS NULL
        AND (getvariable('since') IS NULL OR c.week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR c.week <= getvariable('until'))
    GROUP BY a.stream, c.page_no
),
counted AS (
    SELECT p.stream, s.site_no, CAST(sum(p.citations) AS BIGINT) AS citations,
        CAST(sum(CASE WHEN s.resolved THEN 0 ELSE p.citations END) AS BIGINT) AS unresolved
    FROM paged AS p
    JOIN page_sites AS s ON s.page_no = p.page_no
    GROUP BY p.stream, s.site_no
),
named AS (
    SELECT c.stream, c.site_no, g.site, c.citations, c.unresolved,
        CASE WHEN g.site <> '' THEN c.citations END AS named_citations
    FROM counted AS c
    JOIN page AS g ON g.page_no = c.site_no
),
market AS (
    SELECT stream, count(named_citations) AS sites,
        CAST(sum(citations) AS BIGINT) AS all_citations, CAST(sum(named_citations) AS BIGINT) AS named_citations,
        CAST(sum(unresolved) AS BIGINT) AS unresolved,
        power(sum(named_citations), 2) / nullif(sum(power(named_citations, 2)), 0) AS effective_sites
    FROM named
    GROUP BY stream
),
placed AS (
    SELECT stream, site_no, site, citations,
        row_number() OVER (PARTITION BY stream ORDER BY citations DESC, site) AS place
    FROM named
    WHERE site <> ''
),
best AS (
    SELECT stream, site_no, site, citations, place
    FROM placed
    WHERE place <= getvariable('top')
),
pick AS (
    SELECT s.page_no, s.site_no
    FROM page_sites AS s
    JOIN (SELECT DISTINCT site_no FROM best) AS b ON b.site_no = s.site_no
),
-- The best sites each answer cites: a site cited twice counts once.
drawn AS (
    SELECT DISTINCT c.answer_no, p.site_no
    FROM citation AS c
    JOIN pick AS p ON p.page_no = c.page_no
),
citing AS (
    SELECT t.stream, t.prompt_no, d.site_no, count(*) AS cited, count(*) AS cited_most
    FROM drawn AS d
    JOIN told AS t ON t.answer_no = d.answer_no
    GROUP BY t.stream, t.prompt_no, d.site_no
    UNION ALL
    SELECT a.stream, c.prompt_no, p.site_no, max(c.cited) AS cited,
        least(sum(c.cited), coalesce(max(c.asked), sum(c.cited))) AS cited_most
    FROM citations AS c
    JOIN pick AS p ON p.page_no = c.page_no
    JOIN asking AS a ON a.engine = c.engine AND a.surface = c.surface
    WHERE c.answer_no IS NULL
        AND (getvariable('since') IS NULL OR c.week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR c.week <= getvariable('until'))
    GROUP BY a.stream, p.site_no, c.provider, c.model_served, c.prompt_no, c.topic, c.asked_at
),
prompted AS (
    SELECT stream, site_no, prompt_no, sum(cited) AS cited, sum(cited_most) AS cited_most
    FROM citing
    GROUP BY stream, site_no, prompt_no
),
answering AS (
    SELECT c.stream, c.site_no, CAST(sum(c.cited) AS BIGINT) AS cited,
        CAST(sum(c.cited_most) AS BIGINT) AS cited_most, coalesce(bool_or(c.cited_most > a.asked), FALSE) AS is_impossible,
        sum(power(c.cited, 2)) AS squares, sum(c.cited * a.asked) AS products
    FROM prompted AS c
    JOIN asking AS s ON s.stream = c.stream
    JOIN prompting AS a ON a.engine = s.engine AND a.surface = s.surface AND a.prompt_no IS NOT DISTINCT FROM c.prompt_no
    GROUP BY c.stream, c.site_no
),
rated AS (
    SELECT a.engine, a.surface, n.stream, n.site_no, n.cited, n.cited_most, n.is_impossible, n.squares, n.products,
        a.asked, a.prompts, a.asked_squares, a.lack, a.estimand,
        CASE WHEN n.cited = n.cited_most AND NOT n.is_impossible THEN n.cited / nullif(a.asked, 0) END AS rate
    FROM answering AS n
    JOIN asking AS a ON a.stream = n.stream
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
SELECT n.engine, n.surface, b.place, b.site, n.cited, n.asked, n.rate,
    CASE WHEN n.is_sure THEN CASE WHEN n.rate = 0 THEN 0 ELSE n.middle - n.half END END AS low,
    CASE WHEN n.is_sure THEN CASE WHEN n.rate = 1 THEN 1 ELSE n.middle + n.half END END AS high,
    CASE WHEN n.is_sure THEN n.estimand END AS estimand,
    b.citations, b.citations / nullif(m.named_citations, 0) AS citation_share, m.sites, m.effective_sites,
    (m.all_citations - m.named_citations) / nullif(m.all_citations, 0) AS unnamed_share,
    m.unresolved / nullif(m.all_citations, 0) AS unresolved_share,
    CASE
        WHEN n.asked IS NULL THEN 'the source does not say what was asked'
        WHEN n.is_impossible THEN 'more answers cited than were asked: see to the source'
        WHEN n.cited < n.cited_most THEN
            'cited by ' || n.cited || ' to ' || n.cited_most || ' answers: pages may share them'
        ELSE n.lack
    END AS note
FROM best AS b
JOIN limits AS n ON n.stream = b.stream AND n.site_no = b.site_no
JOIN market AS m ON m.stream = b.stream
ORDER BY n.engine, n.surface, b.place;
