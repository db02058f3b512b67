-- name: co_cited_sites
-- description: Pairs of sites cited in the same answer, for one site or among the most cited ones.
-- param only_site VARCHAR: pairs with this site; default: pairs among the `top` most cited sites
-- param since DATE: first week, by any day of it; default: everything, undated answers too
-- param until DATE: last week, by any day of it; default: everything, undated answers too
-- param top INTEGER: sites that are paired; with only_site its most frequent partners
--
-- answers: delivered answers of the engine on this surface. together: of these, how many cite both sites.
-- support = together / answers. lift = P(both) / (P(site) P(other_site)): 1 when the two have nothing to do with each
-- other. Counted on answers at hand; sightings of pages without their answers cannot show what stood together.
SET VARIABLE only_site = coalesce(getvariable('only_site')::VARCHAR, '');
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE top = coalesce(getvariable('top')::INTEGER, 20);
WITH asking AS (
    SELECT engine, surface, count(*) AS answers
    FROM answers
    WHERE delivered
        AND (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
    GROUP BY engine, surface
),
cited AS (
    SELECT answer_no, engine, surface, site_no
    FROM cited_sites
    WHERE answer_no IS NOT NULL
        AND (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
),
frequent AS (
    SELECT engine, surface, site_no, count(*) AS answers
    FROM cited
    GROUP BY engine, surface, site_no
),
placed AS (
    SELECT engine, surface, site_no, answers,
        row_number() OVER (PARTITION BY engine, surface ORDER BY answers DESC, site_no) AS place
    FROM frequent
),
chosen AS (
    SELECT c.answer_no, c.engine, c.surface, c.site_no, p.answers
    FROM cited AS c
    JOIN placed AS p ON p.engine = c.engine AND p.surface = c.surface AND p.site_no = c.site_no
    WHERE getvariable('only_site') = '' AND p.place <= getvariable('top')
),
around AS (
    SELECT DISTINCT answer_no
    FROM citations
    WHERE getvariable('only_site') <> '' AND site = getvariable('only_site') AND answer_no IS NOT NULL
),
