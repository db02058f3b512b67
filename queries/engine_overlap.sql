-- name: engine_overlap
-- description: How far pairs of engines cite the same pages and sites, on the prompts both were asked in the same week.
-- param since DATE: first week, by any day of it; default: everything, undated answers too
-- param until DATE: last week, by any day of it; default: everything, undated answers too
--
-- A and B are the sets of pages (kind page) or sites (kind site) that each cited for prompts both were asked in the same
-- week. jaccard = |A and B| / |A or B|; overlap = |A and B| / the smaller of |A| and |B| (Szymkiewicz-Simpson).
-- prompts: pairs of prompt and week that both were asked. Answers whose prompt is not known cannot be compared and are
-- left out. More answers find more rare pages: two engines asked unequally often look less alike than they are.
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
WITH asking AS (
    SELECT DISTINCT prompt_no, coalesce(week, DATE '1970-01-01') AS week, engine, surface
    FROM asked
    WHERE prompt_no IS NOT NULL AND (asked IS NULL OR asked > 0)
        AND (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
),
teller AS (
    SELECT engine, surface, row_number() OVER (ORDER BY engine, surface) AS teller_no
    FROM (SELECT DISTINCT engine, surface FROM asking) AS distinct_teller
),
-- Prompts of a week that the same engines were asked are one class, so that each page is compared once per class.
classed AS (
    SELECT a.prompt_no, a.week, list_sort(list_distinct(list(t.teller_no))) AS tellers
    FROM asking AS a
    JOIN teller AS t ON t.engine = a.engine AND t.surface = a.surface
    GROUP BY a.prompt_no, a.week
),
class AS (
    SELECT tellers, row_number() OVER (ORDER BY tellers) AS class_no, count(*) AS prompts
    FROM classed
    GROUP BY tellers
),
member AS (
    SELECT c.class_no, c.prompts, t.teller_no
    FROM class AS c
    JOIN teller AS t ON list_contains(c.tellers, t.teller_no)
),
pair AS (
    SELECT a.class_no, a.prompts, a.teller_no AS a_no, b.teller_no AS b_no
    FROM member AS a
    JOIN member AS b ON b.class_no = a.class_no AND b.teller_no > a.teller_no
),
place AS (
    SELECT d.prompt_no, d.week, c.class_no
    FROM classed AS d
    JOIN class AS c ON c.tellers = d.tellers
),
cited_page AS (
    SELECT DISTINCT p.class_no, t.teller_no, c.page_no
    FROM citations AS c
    JOIN place AS p ON p.prompt_no = c.prompt_no AND p.week = coalesce(c.week, DATE '1970-01-01')
    JOIN teller AS t ON t.engine = c.engine AND t.surface = c.surface
),
cited_unit AS (
    SELECT 'page' AS kind, c.class_no, c.teller_no, c.page_no AS unit_no
    FROM cited_page AS c
    JOIN page AS g ON g.page_no = c.page_no
    WHERE g.resolved
    UNION ALL
    SELECT DISTINCT 'site' AS kind, c.class_no, c.teller_no, s.site_no AS unit_no
    FROM cited_page AS c
    JOIN page_sites AS s ON s.page_no = c.page_no
    WHERE s.site <> ''
),
laid AS (
    SELECT p.a_no, p.b_no, u.kind, u.unit_no, max(CASE WHEN u.teller_no = p.a_no THEN 1 ELSE 0 END) AS in_a,
        max(CASE WHEN u.teller_no = p.b_no THEN 1 ELSE 0 END) AS in_b
    FROM pair AS p
    JOIN cited_unit AS u ON u.class_no = p.class_no AND (u.teller_no = p.a_no OR u.teller_no = p.b_no)
    GROUP BY p.a_no, p.b_no, u.kind, u.unit_no
),
counted AS (
    SELECT a_no, b_no, kind, CAST(sum(in_a) AS BIGINT) AS cited_a, CAST(sum(in_b) AS BIGINT) AS cited_b,
        CAST(sum(in_a * in_b) AS BIGINT) AS shared
    FROM laid
    GROUP BY a_no, b_no, kind
),
common AS (
    SELECT a_no, b_no, CAST(sum(prompts) AS BIGINT) AS prompts
    FROM pair
    GROUP BY a_no, b_no
)
SELECT a.engine AS engine_a, a.surface AS surface_a, b.engine AS engine_b, b.surface AS surface_b, c.kind, m.prompts,
    c.cited_a, c.cited_b, c.shared,
    c.shared / nullif(c.cited_a + c.cited_b - c.shared, 0) AS jaccard,
    c.shared / nullif(least(c.cited_a, c.cited_b), 0) AS overlap
FROM counted AS c
JOIN common AS m ON m.a_no = c.a_no AND m.b_no = c.b_no
JOIN teller AS a ON a.teller_no = c.a_no
JOIN teller AS b ON b.teller_no = c.b_no
ORDER BY a.engine, a.surface, b.engine, b.surface, c.kind;
