-- name: top_pages
-- description: Pages that most answers cite, per engine and surface.
-- param only_site VARCHAR: pages of this site only; default: of all sites
-- param since DATE: first week, by any day of it; default: everything, undated answers too
-- param until DATE: last week, by any day of it; default: everything, undated answers too
-- param top INTEGER: pages shown per engine and surface
--
-- rate = cited / asked: delivered answers that cite the page, among all delivered answers. engines: of all surfaces, in
-- how many the page was cited. prompts: different prompts among those answers. Redirects that nobody followed are no
-- pages and left out.
SET VARIABLE only_site = coalesce(getvariable('only_site')::VARCHAR, '');
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE top = coalesce(getvariable('top')::INTEGER, 20);
WITH asking AS (
    SELECT engine, surface, CASE WHEN count(*) = count(asked) THEN CAST(sum(asked) AS BIGINT) END AS asked
    FROM asked
    WHERE (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
    GROUP BY engine, surface
),
paged AS (
    SELECT engine, surface, page_no, CAST(sum(cited) AS BIGINT) AS cited
    FROM citations
    WHERE (getvariable('only_site') = '' OR site = getvariable('only_site'))
        AND (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
    GROUP BY engine, surface, page_no
),
counted AS (
    SELECT p.engine, p.surface, p.page_no, p.cited
    FROM paged AS p
    JOIN page AS g ON g.page_no = p.page_no
    WHERE g.resolved AND g.site <> ''  -- text that is no address is no page
),
placed AS (
    SELECT engine, surface, page_no, cited,
        row_number() OVER (PARTITION BY engine, surface ORDER BY cited DESC, page_no) AS place
    FROM counted
),
best AS (
    SELECT engine, surface, page_no, cited, place
    FROM placed
    WHERE place <= getvariable('top')
),
reach AS (
    SELECT page_no, count(DISTINCT engine) AS engines
    FROM counted
    GROUP BY page_no
),
detail AS (
    SELECT c.engine, c.surface, c.page_no, count(DISTINCT c.prompt_no) AS prompts,
        min(c.day) AS first_day, max(c.day) AS last_day,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY c.position) AS median_position
    FROM citations AS c
    JOIN (SELECT DISTINCT page_no FROM best) AS b ON b.page_no = c.page_no
    WHERE (getvariable('since') IS NULL OR c.week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR c.week <= getvariable('until'))
    GROUP BY c.engine, c.surface, c.page_no
)
SELECT b.engine, b.surface, b.place, g.url, g.site, b.cited, a.asked,
    CASE WHEN b.cited <= a.asked THEN b.cited / nullif(a.asked, 0) END AS rate,
    d.prompts, r.engines, d.median_position, d.first_day, d.last_day,
    CASE
        WHEN a.asked IS NULL THEN 'the source does not say what was asked'
        WHEN b.cited > a.asked THEN 'more answers cited than were asked: see to the source'
    END AS note
FROM best AS b
JOIN page AS g ON g.page_no = b.page_no
JOIN asking AS a ON a.engine = b.engine AND a.surface = b.surface
JOIN reach AS r ON r.page_no = b.page_no
JOIN detail AS d ON d.engine = b.engine AND d.surface = b.surface AND d.page_no = b.page_no
ORDER BY b.engine, b.surface, b.place;
