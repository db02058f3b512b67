-- name: feedback
-- description: What people thought of the answers that cite each site, per engine and surface.
-- param only_site VARCHAR: this site only; default: all sites, and every answer judged
-- param since DATE: first week of the answers, by any day of it; default: everything, undated answers too
-- param until DATE: last week of the answers, by any day of it; default: everything, undated answers too
-- param top INTEGER: sites shown per engine, surface and kind, those in most judged answers first
--
-- kind: rating (thumbs or stars), vote (this answer against another), regenerated (kept, or asked for again). up, neutral,
-- down: judgements; of regenerated answers, up were kept and down were left. rate = up / (up + down); low, high: its 95%
-- interval (Wilson), judgements taken as independent; a person who judges often makes it too narrow. by_program: of them,
-- those that a program gave. A judgement of an answer that cites several sites counts for each. site empty: all answers
-- judged, whatever they cite, among them judgements of answers that are not at hand (no_answer).
SET VARIABLE only_site = coalesce(getvariable('only_site')::VARCHAR, '');
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE top = coalesce(getvariable('top')::INTEGER, 20);
WITH judged AS (
    SELECT j.answer_no, coalesce(a.engine, '') AS engine, coalesce(a.surface, '') AS surface, j.kind, j.rating, j.rater
    FROM judgements AS j
    LEFT JOIN answers AS a ON a.answer_no = j.answer_no
    WHERE (getvariable('since') IS NULL OR a.week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR a.week <= getvariable('until'))
),
of_answer AS (
    SELECT DISTINCT answer_no FROM judged WHERE answer_no IS NOT NULL
),
citing AS (
    SELECT DISTINCT c.answer_no, g.site
    FROM of_answer AS o
    JOIN citation AS c ON c.answer_no = o.answer_no
    JOIN page AS g ON g.page_no = c.page_no
    WHERE g.site <> '' AND (getvariable('only_site') = '' OR g.site = getvariable('only_site'))
),
told AS (
    SELECT c.site, j.engine, j.surface, j.kind, j.rating, j.rater, j.answer_no
    FROM judged AS j
    JOIN citing AS c ON c.answer_no = j.answer_no
    UNION ALL
    SELECT '' AS site, engine, surface, kind, rating, rater, answer_no
    FROM judged
    WHERE getvariable('only_site') = ''
),
counted AS (
    SELECT site, engine, surface, kind, count(DISTINCT answer_no) AS answers,
        count(*) FILTER (WHERE rating > 0) AS up, count(*) FILTER (WHERE rating = 0) AS neutral,
        count(*) FILTER (WHERE rating < 0) AS down, count(*) FILTER (WHERE rater = 'program') AS by_program,
        count(*) FILTER (WHERE answer_no IS NULL) AS no_answer
    FROM told
    GROUP BY site, engine, surface, kind
),
rated AS (
    SELECT site, engine, surface, kind, answers, up, neutral, down, by_program, no_answer, up + down AS judged,
        up / nullif(up + down, 0) AS rate
    FROM counted
),
limits AS (
    SELECT *, (rate + 3.841458820694124 / nullif(2 * judged, 0)) / nullif(1 + 3.841458820694124 / nullif(judged, 0), 0)
            AS middle,
        1.959963984540054 / nullif(1 + 3.841458820694124 / nullif(judged, 0), 0)
            * sqrt(rate * (1 - rate) / nullif(judged, 0) + 3.841458820694124 / nullif(4 * judged * judged, 0)) AS half
    FROM rated
),
placed AS (
    SELECT *, row_number() OVER (PARTITION BY engine, surface, kind, site = '' ORDER BY answers DESC, site) AS place
    FROM limits
)
SELECT engine, surface, kind, site, answers, up, neutral, down, rate,
    CASE WHEN rate = 0 THEN 0 ELSE middle - half END AS low, CASE WHEN rate = 1 THEN 1 ELSE middle + half END AS high,
    by_program, no_answer
FROM placed
WHERE place <= getvariable('top')
ORDER BY engine, surface, kind, site;
