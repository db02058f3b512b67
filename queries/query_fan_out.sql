-- name: query_fan_out
-- description: Searches the engines ran for each prompt, per engine and surface.
-- param since DATE: first week, by any day of it; default: everything, undated answers too
-- param until DATE: last week, by any day of it; default: everything, undated answers too
-- param top INTEGER: prompts shown per engine and surface, those with most searches first
--
-- answers: delivered answers to the prompt. searched: of these, how many tell at least one search.
-- mean_per_answer = queries / answers. Engines and surfaces that never tell a search are left out: that they tell none
-- does not mean that they ran none. commonest_query: the search of most answers, the first by alphabet among equals.
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE top = coalesce(getvariable('top')::INTEGER, 20);
WITH told AS (
    SELECT answer_no, engine, surface, prompt_no, prompt
    FROM answers
    WHERE delivered
        AND (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
),
asking AS (
    SELECT engine, surface, prompt_no, prompt, count(*) AS answers
    FROM told
    GROUP BY engine, surface, prompt_no, prompt
),
searching AS (
    SELECT t.engine, t.surface, t.prompt_no, count(*) AS queries, count(DISTINCT q.answer_no) AS searched
    FROM fan_out AS q
    JOIN told AS t ON t.answer_no = q.answer_no
    GROUP BY t.engine, t.surface, t.prompt_no
),
worded AS (
    SELECT t.engine, t.surface, t.prompt_no, q.query, count(*) AS times
    FROM fan_out AS q
    JOIN told AS t ON t.answer_no = q.answer_no
    GROUP BY t.engine, t.surface, t.prompt_no, q.query
),
ranked AS (
    SELECT engine, surface, prompt_no, query, times,
        row_number() OVER (PARTITION BY engine, surface, prompt_no ORDER BY times DESC, query) AS place,
        count(*) OVER (PARTITION BY engine, surface, prompt_no) AS distinct_queries
    FROM worded
),
placed AS (
    SELECT a.engine, a.surface, a.prompt_no, a.prompt, a.answers, coalesce(s.searched, 0) AS searched,
        coalesce(s.queries, 0) AS queries,
        row_number() OVER (PARTITION BY a.engine, a.surface ORDER BY coalesce(s.queries, 0) DESC, a.prompt, a.prompt_no)
            AS place
    FROM asking AS a
    JOIN (SELECT DISTINCT engine, surface FROM searching) AS e ON e.engine = a.engine AND e.surface = a.surface
    LEFT JOIN searching AS s ON s.engine = a.engine AND s.surface = a.surface
        AND s.prompt_no IS NOT DISTINCT FROM a.prompt_no
)
SELECT p.engine, p.surface, p.place, p.prompt, p.answers, p.searched, p.queries,
    coalesce(r.distinct_queries, 0) AS distinct_queries, p.queries / nullif(p.answers, 0) AS mean_per_answer,
    r.query AS commonest_query, r.times AS commonest_times
FROM placed AS p
LEFT JOIN ranked AS r ON r.engine = p.engine AND r.surface = p.surface AND r.place = 1
    AND r.prompt_no IS NOT DISTINCT FROM p.prompt_no
WHERE p.place <= getvariable('top')
ORDER BY p.engine, p.surface, p.place;
