-- name: co_cited_sites
-- description: Pairs of sites cited in the same answer, of one site or among the most cited ones.
-- param only_site VARCHAR: pairs with this site; default: pairs among the `top` most cited sites
-- param since DATE: first week, by any day of it; default: everything, undated answers too
-- param until DATE: last week, by any day of it; default: everything, undated answers too
-- param top INTEGER: most cited sites that are paired; with only_site the partners it has most citations beside
--
-- answers: delivered answers of the engine on this surface. together: of these, how many cite both sites.
-- support = together / answers. lift = P(both) / (P(site) P(other_site)): 1 when the two have nothing to do with each
-- other. Counted on answers at hand; sightings of pages without their answers cannot show what stood together.
SET VARIABLE only_site = coalesce(getvariable('only_site')::VARCHAR, '');
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE top = coalesce(getvariable('top')::INTEGER, 10);
WITH told AS (
    SELECT answer_no, engine, surface
    FROM answers
    WHERE delivered
        AND (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
),
asking AS (
    SELECT engine, surface, count(*) AS answers
    FROM told
    GROUP BY engine, surface
),
-- The answers to choose partners in: all, or those that cite the site asked for.
around AS (
    SELECT answer_no, engine, surface
    FROM told
    WHERE getvariable('only_site') = ''
    UNION ALL
    SELECT DISTINCT t.answer_no, t.engine, t.surface
    FROM told AS t
    JOIN citation AS c ON c.answer_no = t.answer_no
    JOIN page AS g ON g.page_no = c.page_no
    WHERE getvariable('only_site') <> '' AND g.site = getvariable('only_site')
),
paged AS (
    SELECT a.engine, a.surface, c.page_no, count(*) AS citations
    FROM citation AS c
    JOIN around AS a ON a.answer_no = c.answer_no
    GROUP BY a.engine, a.surface, c.page_no
),
counted AS (
    SELECT p.engine, p.surface, s.site_no, s.site, sum(p.citations) AS citations
    FROM paged AS p
    JOIN page_sites AS s ON s.page_no = p.page_no
    WHERE s.site <> ''
    GROUP BY p.engine, p.surface, s.site_no, s.site
),
placed AS (
    SELECT engine, surface, site_no, site,
        row_number() OVER (PARTITION BY engine, surface ORDER BY citations DESC, site) AS place
    FROM counted
    WHERE site <> getvariable('only_site')
),
best AS (
    SELECT engine, surface, site_no
    FROM placed
    WHERE place <= getvariable('top')
    UNION ALL
    SELECT engine, surface, site_no
    FROM counted
    WHERE site = getvariable('only_site')
),
pick AS (
    SELECT s.page_no, s.site_no
    FROM page_sites AS s
    JOIN (SELECT DISTINCT site_no FROM best) AS b ON b.site_no = s.site_no
),
drawn AS (
    SELECT c.answer_no, p.site_no
    FROM citation AS c
    JOIN pick AS p ON p.page_no = c.page_no
    GROUP BY c.answer_no, p.site_no
),
cited AS (
    SELECT d.answer_no, t.engine, t.surface, d.site_no
    FROM drawn AS d
    JOIN told AS t ON t.answer_no = d.answer_no
    JOIN best AS b ON b.engine = t.engine AND b.surface = t.surface AND b.site_no = d.site_no
),
alone AS (
    SELECT c.engine, c.surface, c.site_no, g.site, count(*) AS answers
    FROM cited AS c
    JOIN page AS g ON g.page_no = c.site_no
    GROUP BY c.engine, c.surface, c.site_no, g.site
),
paired AS (
    SELECT a.engine, a.surface, a.site_no AS a_no, b.site_no AS b_no, count(*) AS together
    FROM cited AS a
    JOIN cited AS b ON b.answer_no = a.answer_no AND b.site_no > a.site_no
    GROUP BY a.engine, a.surface, a.site_no, b.site_no
),
named AS (
    SELECT p.engine, p.surface, p.together,
        CASE WHEN b.site = getvariable('only_site') THEN b.site ELSE a.site END AS site,
        CASE WHEN b.site = getvariable('only_site') THEN a.site ELSE b.site END AS other_site,
        CASE WHEN b.site = getvariable('only_site') THEN b.answers ELSE a.answers END AS answers_site,
        CASE WHEN b.site = getvariable('only_site') THEN a.answers ELSE b.answers END AS answers_other
    FROM paired AS p
    JOIN alone AS a ON a.engine = p.engine AND a.surface = p.surface AND a.site_no = p.a_no
    JOIN alone AS b ON b.engine = p.engine AND b.surface = p.surface AND b.site_no = p.b_no
)
SELECT n.engine, n.surface, n.site, n.other_site, n.together, n.answers_site, n.answers_other, a.answers,
    n.together / nullif(a.answers, 0) AS support,
    CAST(n.together AS DOUBLE) * a.answers / nullif(CAST(n.answers_site AS DOUBLE) * n.answers_other, 0) AS lift
FROM named AS n
JOIN asking AS a ON a.engine = n.engine AND a.surface = n.surface
WHERE getvariable('only_site') = '' OR n.site = getvariable('only_site')
ORDER BY n.engine, n.surface, n.together DESC, n.site, n.other_site;
