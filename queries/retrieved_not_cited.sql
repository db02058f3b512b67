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
cited_at_all AS (
    SELECT t.engine, t.surface, c.page_no, count(*) AS cited
    FROM citation AS c
    JOIN (SELECT DISTINCT page_no FROM shown) AS s ON s.page_no = c.page_no
    JOIN told AS t ON t.answer_no = c.answer_no
    GROUP BY t.engine, t.surface, c.page_no
)
SELECT s.engine, s.surface, s.place, s.url, s.site, s.retrieved, s.cited AS cited_of_retrieved,
    s.retrieved - s.cited AS not_cited, s.cited / nullif(s.retrieved, 0) AS rate,
    coalesce(c.cited, 0) - s.cited AS cited_unlisted
FROM shown AS s
LEFT JOIN cited_at_all AS c ON c.engine = s.engine AND c.surface = s.surface AND c.page_no = s.page_no
ORDER BY s.engine, s.surface, s.place;
