-- name: retrieved_not_cited
-- description: Pages the engines often consult and seldom cite, per engine and surface.
-- param only_site VARCHAR: pages of this site only; default: of all sites
-- param since DATE: first week, by any day of it; default: everything, undated answers too
-- param until DATE: last week, by any day of it; default: everything, undated answers too
-- param least INTEGER: answers that must have consulted a page for it to be shown
-- param top INTEGER: pages shown per engine and surface
--
-- retrieved: delivered answers whose engine listed the page as consulted. cited_of_retrieved: of these, how many cite
-- it; rate = cited_of_retrieved / retrieved. not_cited = retrieved - cited_of_retrieved orders the pages.
-- cited_unlisted: answers that cite the page without listing it as consulted; where there are many, the engine lists
-- only part of what it reads, and the rate is of that part.
SET VARIABLE only_site = coalesce(getvariable('only_site')::VARCHAR, '');
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE least = coalesce(getvariable('least')::INTEGER, 5);
SET VARIABLE top = coalesce(getvariable('top')::INTEGER, 20);
WITH told AS (
    SELECT answer_no, engine, surface
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
    SELECT t.engine, t.surface, r.page_no, count(DISTINCT r.answer_no) AS retrieved
    FROM retrieval AS r
    JOIN told AS t ON t.answer_no = r.answer_no
    GROUP BY t.engine, t.surface, r.page_no
),
both_of_them AS (
    SELECT t.engine, t.surface, c.page_no, count(*) AS cited
    FROM citation AS c
    JOIN (SELECT DISTINCT answer_no, page_no FROM retrieval) AS r ON r.answer_no = c.answer_no AND r.page_no = c.page_no
    JOIN told AS t ON t.answer_no = c.answer_no
    GROUP BY t.engine, t.surface, c.page_no
),
cited AS (
    SELECT t.engine, t.surface, c.page_no, count(*) AS cited
    FROM citation AS c
    JOIN told AS t ON t.answer_no = c.answer_no
    GROUP BY t.engine, t.surface, c.page_no
),
joined AS (
    SELECT r.engine, r.surface, g.url, g.site, r.retrieved, coalesce(b.cited, 0) AS cited_of_retrieved,
        r.retrieved - coalesce(b.cited, 0) AS not_cited, coalesce(c.cited, 0) - coalesce(b.cited, 0) AS cited_unlisted
    FROM consulted AS r
    JOIN wanted AS g ON g.page_no = r.page_no
    LEFT JOIN both_of_them AS b ON b.engine = r.engine AND b.surface = r.surface AND b.page_no = r.page_no
    LEFT JOIN cited AS c ON c.engine = r.engine AND c.surface = r.surface AND c.page_no = r.page_no
    WHERE r.retrieved >= getvariable('least')
),
placed AS (
    SELECT engine, surface, url, site, retrieved, cited_of_retrieved, not_cited, cited_unlisted,
        row_number() OVER (PARTITION BY engine, surface ORDER BY not_cited DESC, url) AS place
    FROM joined
    WHERE not_cited > 0
)
SELECT engine, surface, place, url, site, retrieved, cited_of_retrieved, not_cited,
    cited_of_retrieved / nullif(retrieved, 0) AS rate, cited_unlisted
FROM placed
WHERE place <= getvariable('top')
ORDER BY engine, surface, place;
