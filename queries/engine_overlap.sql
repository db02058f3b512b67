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
    SELECT c.class_no, c.prompts, t.teller_no, t.engine, t.surface,
        row_number() OVER (ORDER BY c.class_no, t.teller_no) AS member_no
    FROM class AS c
    JOIN teller AS t ON list_contains(c.tellers, t.teller_no)
),
pair AS (
    SELECT a.prompts, a.teller_no AS a_no, b.teller_no AS b_no, a.member_no AS a_member, b.member_no AS b_member,
        dense_rank() OVER (ORDER BY a.teller_no, b.teller_no) AS pair_no
    FROM member AS a
    JOIN member AS b ON b.class_no = a.class_no AND b.teller_no > a.teller_no
),
place AS (
    SELECT d.prompt_no, d.week, m.engine, m.surface, m.member_no
    FROM classed AS d
    JOIN class AS c ON c.tellers = d.tellers
    JOIN member AS m ON m.class_no = c.class_no
),
-- Each answer finds its place before its pages are looked up.
answering AS (
    SELECT a.answer_no, p.member_no
    FROM answers AS a
    JOIN place AS p ON p.prompt_no = a.prompt_no AND p.week = coalesce(a.week, DATE '1970-01-01')
        AND p.engine = a.engine AND p.surface = a.surface
    WHERE a.delivered
),
cited_page AS (
    SELECT DISTINCT a.member_no, c.page_no
    FROM citation AS c
    JOIN answering AS a ON a.answer_no = c.answer_no
    UNION
    SELECT p.member_no, o.page_no
    FROM observations AS o
    JOIN place AS p ON p.prompt_no = o.prompt_no AND p.week = o.week
        AND p.engine = o.engine AND p.surface = o.surface
    WHERE o.cited > 0
),
-- Pages and sites in one column: a site by the negative of its number.
cited_unit AS (
    SELECT c.member_no, c.page_no + 1 AS unit_no
    FROM cited_page AS c
    JOIN page AS g ON g.page_no = c.page_no
    WHERE g.resolved
    UNION ALL
    SELECT DISTINCT c.member_no, -1 - s.site_no AS unit_no
    FROM cited_page AS c
    JOIN page_sites AS s ON s.page_no = c.page_no
    WHERE s.site <> ''
),
laid AS (
    SELECT pair_no, unit_no, max(in_a) AS in_a, max(in_b) AS in_b
    FROM (
        SELECT p.pair_no, u.unit_no, 1 AS in_a, 0 AS in_b
        FROM pair AS p
        JOIN cited_unit AS u ON u.member_no = p.a_member
        UNION ALL
        SELECT p.pair_no, u.unit_no, 0 AS in_a, 1 AS in_b
        FROM pair AS p
        JOIN cited_unit AS u ON u.member_no = p.b_member
    ) AS side
    GROUP BY pair_no, unit_no
),
counted AS (
    SELECT pair_no, CASE WHEN unit_no > 0 THEN 'page' ELSE 'site' END AS kind, CAST(sum(in_a) AS BIGINT) AS cited_a,
        CAST(sum(in_b) AS BIGINT) AS cited_b, CAST(sum(in_a * in_b) AS BIGINT) AS shared
    FROM laid
    GROUP BY pair_no, CASE WHEN unit_no > 0 THEN 'page' ELSE 'site' END
),
common AS (
    SELECT pair_no, a_no, b_no, CAST(sum(prompts) AS BIGINT) AS prompts
    FROM pair
    GROUP BY pair_no, a_no, b_no
)
SELECT a.engine AS engine_a, a.surface AS surface_a, b.engine AS engine_b, b.surface AS surface_b, c.kind, m.prompts,
    c.cited_a, c.cited_b, c.shared,
    c.shared / nullif(c.cited_a + c.cited_b - c.shared, 0) AS jaccard,
    c.shared / nullif(least(c.cited_a, c.cited_b), 0) AS overlap
FROM counted AS c
JOIN common AS m ON m.pair_no = c.pair_no
JOIN teller AS a ON a.teller_no = m.a_no
JOIN teller AS b ON b.teller_no = m.b_no
ORDER BY a.engine, a.surface, b.engine, b.surface, c.kind;
