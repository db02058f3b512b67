-- name: presence_and_citations
-- description: Presence of each cited site in each corpus, beside how often engines cite it.
-- param only_site VARCHAR: this site, cited or not; default: the `top` most cited sites of each engine and surface
-- param since DATE: first week, by any day of it; default: everything, undated answers too
-- param until DATE: last week, by any day of it; default: everything, undated answers too
-- param top INTEGER: sites shown per engine and surface
--
-- The two stand side by side and nothing more: that cited sites are often present in a corpus says nothing about what
-- came first, and sites that are never cited are not in this list. rate = cited / asked, with low and high as in citation_share.
-- state: present when any row of the corpus names a part of the site as present; absent only when a row says so of the
-- whole site; else unknown. captures, documents, tokens: of the site's own newest row, else summed over its hosts' newest
-- rows (`hosts` tells of how many); pages are never summed.
SET VARIABLE only_site = coalesce(getvariable('only_site')::VARCHAR, '');
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
    WHERE getvariable('only_site') = '' OR c.page_no IN (SELECT page_no FROM page WHERE site = getvariable('only_site'))
    GROUP BY t.stream, c.page_no
    UNION ALL
    SELECT a.stream, c.page_no, sum(c.cited) AS citations
    FROM citations AS c
    JOIN asking AS a ON a.engine = c.engine AND a.surface = c.surface
    WHERE c.answer_no IS NULL
        AND (getvariable('only_site') = '' OR c.site = getvariable('only_site'))
        AND (getvariable('since') IS NULL OR c.week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR c.week <= getvariable('until'))
    GROUP BY a.stream, c.page_no
),
counted AS (
    SELECT p.stream, s.site_no, CAST(sum(p.citations) AS BIGINT) AS citations
    FROM paged AS p
    JOIN page_sites AS s ON s.page_no = p.page_no
    GROUP BY p.stream, s.site_no
),
named AS (
    SELECT c.stream, c.site_no, g.site, c.citations
    FROM counted AS c
    JOIN page AS g ON g.page_no = c.site_no
    WHERE g.site <> '' AND (getvariable('only_site') = '' OR g.site = getvariable('only_site'))
),
placed AS (
    SELECT stream, site_no, site, citations,
        row_number() OVER (PARTITION BY stream ORDER BY citations DESC, site) AS place
    FROM named
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
shown AS (
    SELECT stream, site, site_no, citations, place
    FROM best
    UNION ALL
    SELECT a.stream, getvariable('only_site') AS site, CAST(NULL AS INTEGER) AS site_no, 0 AS citations,
        1 AS place
    FROM asking AS a
    LEFT JOIN best AS b ON b.stream = a.stream
    WHERE getvariable('only_site') <> '' AND b.site IS NULL
),
newest AS (
    SELECT corpus, method, unit_kind, unit, site, state, captures, documents, tokens, observed_on
    FROM (
        SELECT n.corpus, n.method, n.unit_kind, n.unit, n.site, n.state, n.captures, n.documents, n.tokens,
            n.observed_on, row_number() OVER (
                PARTITION BY n.corpus, n.method, n.unit_kind, n.unit
                ORDER BY coalesce(n.observed_on, DATE '0001-01-01') DESC
            ) AS place
        FROM presences AS n
        JOIN (SELECT DISTINCT site FROM shown) AS s ON s.site = n.site
    ) AS dated
    WHERE place = 1
),
held AS (
    SELECT corpus, method, site,
        CASE
            WHEN count(*) FILTER (WHERE state = 'present') > 0 THEN 'present'
            WHEN count(*) FILTER (WHERE state = 'absent' AND unit_kind = 'site') > 0 THEN 'absent'
            ELSE 'unknown'
        END AS state,
        count(*) FILTER (WHERE unit_kind = 'site') AS whole,
        count(*) FILTER (WHERE unit_kind = 'host') AS hosts,
        CAST(sum(captures) FILTER (WHERE unit_kind = 'site') AS BIGINT) AS site_captures,
        CAST(sum(documents) FILTER (WHERE unit_kind = 'site') AS BIGINT) AS site_documents,
        CAST(sum(tokens) FILTER (WHERE unit_kind = 'site') AS BIGINT) AS site_tokens,
        CAST(sum(captures) FILTER (WHERE unit_kind = 'host') AS BIGINT) AS host_captures,
        CAST(sum(documents) FILTER (WHERE unit_kind = 'host') AS BIGINT) AS host_documents,
        CAST(sum(tokens) FILTER (WHERE unit_kind = 'host') AS BIGINT) AS host_tokens,
        max(observed_on) AS observed_on
    FROM newest
    GROUP BY corpus, method, site
),
corpora AS (
    SELECT DISTINCT corpus, method FROM presences
),
rated AS (
    SELECT a.engine, a.surface, s.place, s.site, s.citations, coalesce(n.cited, 0) AS cited, n.cited_most,
        coalesce(n.is_impossible, FALSE) AS is_impossible, coalesce(n.squares, 0) AS squares,
        coalesce(n.products, 0) AS products, a.asked, a.prompts, a.asked_squares, a.lack, a.estimand,
        CASE WHEN n.site_no IS NULL OR n.cited = n.cited_most AND NOT n.is_impossible
            THEN coalesce(n.cited, 0) / nullif(a.asked, 0) END AS rate
    FROM shown AS s
    JOIN asking AS a ON a.stream = s.stream
    LEFT JOIN answering AS n ON n.stream = s.stream AND n.site_no = s.site_no
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
SELECT n.engine, n.surface, n.place, n.site, n.cited, n.asked, n.rate,
    CASE WHEN n.is_sure THEN CASE WHEN n.rate = 0 THEN 0 ELSE n.middle - n.half END END AS low,
    CASE WHEN n.is_sure THEN CASE WHEN n.rate = 1 THEN 1 ELSE n.middle + n.half END END AS high,
    CASE WHEN n.is_sure THEN n.estimand END AS estimand,
    n.citations, k.corpus, coalesce(h.state, 'unknown') AS state,
    CASE WHEN h.whole > 0 THEN h.site_captures ELSE h.host_captures END AS captures,
    CASE WHEN h.whole > 0 THEN h.site_documents ELSE h.host_documents END AS documents,
    CASE WHEN h.whole > 0 THEN h.site_tokens ELSE h.host_tokens END AS tokens,
    CASE WHEN h.whole > 0 THEN 0 ELSE coalesce(h.hosts, 0) END AS hosts, k.method, h.observed_on,
    CASE
        WHEN n.asked IS NULL THEN 'the source does not say what was asked'
        WHEN n.is_impossible THEN 'more answers cited than were asked: see to the source'
        WHEN n.cited < n.cited_most THEN
            'cited by ' || n.cited || ' to ' || n.cited_most || ' answers: pages may share them'
        ELSE nullif(concat_ws('; ', n.lack, CASE
            WHEN k.corpus IS NULL THEN 'no corpus has been imported'
            WHEN h.state IS NULL THEN 'no row of this site in the table of this corpus: unknown, not absent'
            WHEN h.state = 'unknown' AND h.hosts > 0 THEN 'rows of some hosts only, none present: unknown, not absent'
        END), '')
    END AS note
FROM limits AS n
LEFT JOIN corpora AS k ON TRUE
LEFT JOIN held AS h ON h.corpus = k.corpus AND h.method = k.method AND h.site = n.site
ORDER BY n.engine, n.surface, n.place, k.corpus, k.method;
