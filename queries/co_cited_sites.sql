-- name: co_cited_sites
-- description: Pairs of sites cited in the same answer, of one site or among the most cited ones.
-- param only_site VARCHAR: pairs with this site; default: pairs among the `top` sites of most citations
-- param since DATE: first week, by any day of it; default: everything, undated answers too
-- param until DATE: last week, by any day of it; default: everything, undated answers too
-- param top INTEGER: sites of most citations over all engines, or beside only_site, that are paired; 60 at most
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
    SELECT answer_no
    FROM told
    WHERE getvariable('only_site') = ''
    UNION ALL
    SELECT DISTINCT t.answer_no
    FROM told AS t
    JOIN citation AS c ON c.answer_no = t.answer_no
    JOIN page AS g ON g.page_no = c.page_no
    WHERE getvariable('only_site') <> '' AND g.site = getvariable('only_site')
),
paged AS (
    SELECT c.page_no, count(*) AS citations
    FROM citation AS c
    JOIN around AS a ON a.answer_no = c.answer_no
    GROUP BY c.page_no
),
counted AS (
    SELECT s.site_no, s.site, sum(p.citations) AS citations
    FROM paged AS p
    JOIN page_sites AS s ON s.page_no = p.page_no
    WHERE s.site <> ''
    GROUP BY s.site_no, s.site
),
placed AS (
    SELECT site_no, site, row_number() OVER (ORDER BY citations DESC, site) AS place
    FROM counted
    WHERE site <> getvariable('only_site')
),
best AS (
    SELECT site_no, site, CAST(power(2, place) AS BIGINT) AS bit
    FROM placed
    WHERE place <= least(getvariable('top'), 60)
    UNION ALL
    SELECT site_no, site, 1 AS bit
    FROM counted
    WHERE site = getvariable('only_site')
),
pick AS (
    SELECT s.page_no, b.bit
    FROM page_sites AS s
    JOIN best AS b ON b.site_no = s.site_no
),
-- The best sites each answer cites, a bit each; answers that cite the same ones are counted together.
drawn AS (
    SELECT c.answer_no, bit_or(p.bit) AS bits
    FROM citation AS c
    JOIN pick AS p ON p.page_no = c.page_no
    GROUP BY c.answer_no
),
cited AS (
    SELECT t.engine, t.surface, d.bits, count(*) AS answers
    FROM drawn AS d
    JOIN told AS t ON t.answer_no = d.answer_no
    GROUP BY t.engine, t.surface, d.bits
),
alone AS (
    SELECT c.engine, c.surface, b.site, b.bit, CAST(sum(c.answers) AS BIGINT) AS answers
    FROM best AS b
    CROSS JOIN cited AS c
    WHERE (c.bits & b.bit) <> 0
    GROUP BY c.engine, c.surface, b.site, b.bit
),
named AS (
    SELECT a.engine, a.surface, a.site, b.site AS other_site, a.answers AS answers_site, b.answers AS answers_other,
        CAST(sum(c.answers) AS BIGINT) AS together
    FROM alone AS a
    JOIN alone AS b ON b.engine = a.engine AND b.surface = a.surface AND b.bit > a.bit
    JOIN cited AS c ON c.engine = a.engine AND c.surface = a.surface
    WHERE (c.bits & a.bit) <> 0 AND (c.bits & b.bit) <> 0
        AND (getvariable('only_site') = '' OR a.site = getvariable('only_site'))
    GROUP BY a.engine, a.surface, a.site, b.site, a.answers, b.answers
)
SELECT n.engine, n.surface, n.site, n.other_site, n.together, n.answers_site, n.answers_other, a.answers,
    n.together / nullif(a.answers, 0) AS support,
    CAST(n.together AS DOUBLE) * a.answers / nullif(CAST(n.answers_site AS DOUBLE) * n.answers_other, 0) AS lift
FROM named AS n
JOIN asking AS a ON a.engine = n.engine AND a.surface = n.surface
ORDER BY n.engine, n.surface, n.together DESC, n.site, n.other_site;
