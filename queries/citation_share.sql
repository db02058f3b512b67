-- name: citation_share
-- description: Share of answers and of citations of each site, per engine and surface, and how concentrated they are.
-- param since DATE: first week, by any day of it; default: everything, undated answers too
-- param until DATE: last week, by any day of it; default: everything, undated answers too
-- param top INTEGER: sites shown per engine and surface
--
-- rate = cited / asked: delivered answers that cite the site at least once, among all delivered answers.
-- citation_share = citations / citations of all sites with a name: a page cited by an answer is one citation.
-- effective_sites = 1 / sum of squared citation shares (inverse Herfindahl): as many sites of equal share would be as
-- concentrated. unnamed_share: citations that name no site; unresolved_share: redirects that nobody followed, with or
-- without a site's name; both among all citations.
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE top = coalesce(getvariable('top')::INTEGER, 10);
WITH asking AS (
    SELECT engine, surface, CASE WHEN count(*) = count(asked) THEN CAST(sum(asked) AS BIGINT) END AS asked
    FROM asked
    WHERE (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
    GROUP BY engine, surface
),
told AS (
    SELECT answer_no, engine, surface
    FROM answers
    WHERE delivered
        AND (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
),
paged AS (
    SELECT engine, surface, page_no, sum(cited) AS citations
    FROM citations
    WHERE (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
    GROUP BY engine, surface, page_no
),
counted AS (
    SELECT p.engine, p.surface, s.site_no, CAST(sum(p.citations) AS BIGINT) AS citations,
        CAST(sum(CASE WHEN s.resolved THEN 0 ELSE p.citations END) AS BIGINT) AS unresolved
    FROM paged AS p
    JOIN page_sites AS s ON s.page_no = p.page_no
    GROUP BY p.engine, p.surface, s.site_no
),
named AS (
    SELECT c.engine, c.surface, c.site_no, g.site, c.citations, c.unresolved,
        CASE WHEN g.site <> '' THEN c.citations END AS named_citations
    FROM counted AS c
    JOIN page AS g ON g.page_no = c.site_no
),
market AS (
    SELECT engine, surface, count(named_citations) AS sites,
        CAST(sum(citations) AS BIGINT) AS all_citations, CAST(sum(named_citations) AS BIGINT) AS named_citations,
        CAST(sum(unresolved) AS BIGINT) AS unresolved,
        power(sum(named_citations), 2) / nullif(sum(power(named_citations, 2)), 0) AS effective_sites
    FROM named
    GROUP BY engine, surface
),
placed AS (
    SELECT engine, surface, site_no, site, citations,
        row_number() OVER (PARTITION BY engine, surface ORDER BY citations DESC, site) AS place
    FROM named
    WHERE site <> ''
),
best AS (
    SELECT engine, surface, site_no, site, citations, place
    FROM placed
    WHERE place <= getvariable('top')
),
slot AS (
    SELECT site_no, row_number() OVER (ORDER BY site_no) - 1 AS slot
    FROM (SELECT DISTINCT site_no FROM best) AS b
),
pick AS (
    SELECT s.page_no, s.site_no, b.slot // 60 AS word, CAST(power(2, b.slot % 60) AS BIGINT) AS bit
    FROM page_sites AS s
    JOIN slot AS b ON b.site_no = s.site_no
),
-- The best sites each answer cites, a bit each, so that a site cited twice counts once; like answers counted together.
drawn AS (
    SELECT c.answer_no, p.word, bit_or(p.bit) AS bits
    FROM citation AS c
    JOIN pick AS p ON p.page_no = c.page_no
    GROUP BY c.answer_no, p.word
),
alike AS (
    SELECT t.engine, t.surface, d.word, d.bits, count(*) AS answers
    FROM drawn AS d
    JOIN told AS t ON t.answer_no = d.answer_no
    GROUP BY t.engine, t.surface, d.word, d.bits
),
citing AS (
    SELECT d.engine, d.surface, b.site_no, sum(d.answers) AS cited, sum(d.answers) AS cited_most
    FROM alike AS d
    JOIN slot AS b ON b.slot // 60 = d.word
    WHERE (d.bits & CAST(power(2, b.slot % 60) AS BIGINT)) <> 0
    GROUP BY d.engine, d.surface, b.site_no
    UNION ALL
    SELECT c.engine, c.surface, p.site_no, max(c.cited) AS cited,
        least(sum(c.cited), coalesce(max(c.asked), sum(c.cited))) AS cited_most
    FROM citations AS c
    JOIN pick AS p ON p.page_no = c.page_no
    WHERE c.answer_no IS NULL
        AND (getvariable('since') IS NULL OR c.week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR c.week <= getvariable('until'))
    GROUP BY c.engine, c.surface, p.site_no, c.provider, c.model_served, c.prompt_no, c.topic, c.asked_at
),
answering AS (
    SELECT engine, surface, site_no, CAST(sum(cited) AS BIGINT) AS cited, CAST(sum(cited_most) AS BIGINT) AS cited_most
    FROM citing
    GROUP BY engine, surface, site_no
)
SELECT b.engine, b.surface, b.place, b.site, n.cited, a.asked,
    CASE WHEN n.cited = n.cited_most THEN n.cited / nullif(a.asked, 0) END AS rate,
    b.citations, b.citations / nullif(m.named_citations, 0) AS citation_share, m.sites, m.effective_sites,
    (m.all_citations - m.named_citations) / nullif(m.all_citations, 0) AS unnamed_share,
    m.unresolved / nullif(m.all_citations, 0) AS unresolved_share,
    CASE
        WHEN a.asked IS NULL THEN 'the source does not say what was asked'
        WHEN n.cited < n.cited_most THEN
            'cited by ' || n.cited || ' to ' || n.cited_most || ' answers: pages may share them'
    END AS note
FROM best AS b
JOIN answering AS n ON n.engine = b.engine AND n.surface = b.surface AND n.site_no = b.site_no
JOIN market AS m ON m.engine = b.engine AND m.surface = b.surface
JOIN asking AS a ON a.engine = b.engine AND a.surface = b.surface
ORDER BY b.engine, b.surface, b.place;
