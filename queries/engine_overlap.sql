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
-- Prompts of a week that the same engines were asked are one class; an engine and surface in a class is a member.
classed AS (
    SELECT prompt_no, week, list_sort(list_distinct(list(concat_ws(chr(31), engine, surface)))) AS tellers
    FROM asking
    GROUP BY prompt_no, week
),
numbered AS (
    SELECT prompt_no, week, dense_rank() OVER (ORDER BY tellers) AS class_no
    FROM classed
),
place AS (
    SELECT n.class_no, a.engine, a.surface, a.week, a.prompt_no,
        dense_rank() OVER (ORDER BY n.class_no, a.engine, a.surface) AS member_no
    FROM asking AS a
    JOIN numbered AS n ON n.prompt_no = a.prompt_no AND n.week = a.week
),
keyed AS (
    SELECT member_no, concat_ws(chr(31), engine, surface, CAST(week AS VARCHAR), CAST(prompt_no AS VARCHAR)) AS cell
    FROM place
),
member AS (
    SELECT class_no, engine, surface, member_no, count(*) AS prompts
    FROM place
    GROUP BY class_no, engine, surface, member_no
),
pair AS (
    SELECT a.prompts, a.engine AS engine_a, a.surface AS surface_a, b.engine AS engine_b, b.surface AS surface_b,
        a.member_no AS a_member, b.member_no AS b_member,
        dense_rank() OVER (ORDER BY a.engine, a.surface, b.engine, b.surface) AS pair_no
    FROM member AS a
    JOIN member AS b ON b.class_no = a.class_no
    WHERE b.engine > a.engine OR (b.engine = a.engine AND b.surface > a.surface)
),
-- Each answer finds its place before its pages are looked up; grouped, so that the planner knows how many there are.
answering AS (
    SELECT a.answer_no, max(p.member_no) AS member_no
    FROM answers AS a
    JOIN keyed AS p ON p.cell = concat_ws(chr(31), a.engine, a.surface,
        CAST(coalesce(a.week, DATE '1970-01-01') AS VARCHAR), CAST(a.prompt_no AS VARCHAR))
    WHERE a.delivered
    GROUP BY a.answer_no
),
cited_page AS (
    SELECT DISTINCT a.member_no, c.page_no
    FROM citation AS c
    JOIN answering AS a ON a.answer_no = c.answer_no
    UNION
    SELECT p.member_no, o.page_no
    FROM observations AS o
    JOIN keyed AS p ON p.cell
        = concat_ws(chr(31), o.engine, o.surface, CAST(o.week AS VARCHAR), CAST(o.prompt_no AS VARCHAR))
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
-- Pages and sites that the same members cited are counted together before the pairs look at them.
alike AS (
    SELECT kind, members, count(*) AS units, row_number() OVER (ORDER BY kind, members) AS alike_no
    FROM (
        SELECT CASE WHEN unit_no > 0 THEN 'page' ELSE 'site' END AS kind, list_sort(list(member_no)) AS members
        FROM cited_unit
        GROUP BY unit_no
    ) AS unit
    GROUP BY kind, members
),
citing AS (
    SELECT alike_no, kind, units, unnest(members) AS member_no
    FROM alike
),
laid AS (
    SELECT pair_no, alike_no, kind, units, max(in_a) AS in_a, max(in_b) AS in_b
    FROM (
        SELECT p.pair_no, c.alike_no, c.kind, c.units, 1 AS in_a, 0 AS in_b
        FROM pair AS p
        JOIN citing AS c ON c.member_no = p.a_member
        UNION ALL
        SELECT p.pair_no, c.alike_no, c.kind, c.units, 0 AS in_a, 1 AS in_b
        FROM pair AS p
        JOIN citing AS c ON c.member_no = p.b_member
    ) AS side
    GROUP BY pair_no, alike_no, kind, units
),
counted AS (
    SELECT pair_no, kind, CAST(sum(in_a * units) AS BIGINT) AS cited_a, CAST(sum(in_b * units) AS BIGINT) AS cited_b,
        CAST(sum(in_a * in_b * units) AS BIGINT) AS shared
    FROM laid
    GROUP BY pair_no, kind
),
common AS (
    SELECT pair_no, engine_a, surface_a, engine_b, surface_b, CAST(sum(prompts) AS BIGINT) AS prompts
    FROM pair
    GROUP BY pair_no, engine_a, surface_a, engine_b, surface_b
)
SELECT m.engine_a, m.surface_a, m.engine_b, m.surface_b, c.kind, m.prompts, c.cited_a, c.cited_b, c.shared,
    c.shared / nullif(c.cited_a + c.cited_b - c.shared, 0) AS jaccard,
    c.shared / nullif(least(c.cited_a, c.cited_b), 0) AS overlap
FROM counted AS c
JOIN common AS m ON m.pair_no = c.pair_no
ORDER BY m.engine_a, m.surface_a, m.engine_b, m.surface_b, c.kind;
