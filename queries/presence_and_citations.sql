-- name: presence_and_citations
-- description: Presence of each cited site in each corpus, beside how often engines cite it.
-- param only_site VARCHAR: this site, cited or not; default: the `top` most cited sites of each engine and surface
-- param since DATE: first week, by any day of it; default: everything, undated answers too
-- param until DATE: last week, by any day of it; default: everything, undated answers too
-- param top INTEGER: sites shown per engine and surface
--
-- The two stand side by side and nothing more: that cited sites are often present in a corpus says nothing about what
-- came first, and sites that are never cited are not in this list. rate = cited / asked, as in citation_share.
-- state: present when any row of the corpus names a part of the site as present; absent only when a row says so of the
-- whole site; else unknown. captures, documents, tokens: of the site's own newest row, else summed over its hosts' newest
-- rows (`hosts` tells of how many); pages are never summed.
SET VARIABLE only_site = coalesce(getvariable('only_site')::VARCHAR, '');
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
    WHERE (getvariable('only_site') = '' OR site = getvariable('only_site'))
        AND (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
    GROUP BY engine, surface, page_no
),
counted AS (
    SELECT p.engine, p.surface, s.site_no, CAST(sum(p.citations) AS BIGINT) AS citations
    FROM paged AS p
    JOIN page_sites AS s ON s.page_no = p.page_no
    GROUP BY p.engine, p.surface, s.site_no
),
named AS (
    SELECT c.engine, c.surface, c.site_no, g.site, c.citations
    FROM counted AS c
    JOIN page AS g ON g.page_no = c.site_no
    WHERE g.site <> '' AND (getvariable('only_site') = '' OR g.site = getvariable('only_site'))
),
placed AS (
    SELECT engine, surface, site_no, site, citations,
        row_number() OVER (PARTITION BY engine, surface ORDER BY citations DESC, site) AS place
    FROM named
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
),
shown AS (
    SELECT engine, surface, site, site_no, citations, place
    FROM best
    UNION ALL
    SELECT a.engine, a.surface, getvariable('only_site') AS site, CAST(NULL AS INTEGER) AS site_no, 0 AS citations,
        1 AS place
    FROM asking AS a
    LEFT JOIN best AS b ON b.engine = a.engine AND b.surface = a.surface
    WHERE getvariable('only_site') <> '' AND b.site IS NULL
),
newest AS (
    SELECT corpus, method, unit_kind, unit, site, state, captures, documents, tokens, observed_on
    FROM (
        SELECT n.corpus, n.method, n.unit_kind, n.unit, n.site, n.state, n.captures, n.documents, n.tokens,
            n.observed_on, row_number() OVER (
                PARTITION BY n.corpus, n.method, n.unit_kind, n.unit
                ORDER BY coalesce(n.observed_on, DATE '0001-01-01') DESC
            ) AS place
        FROM presences AS n
        JOIN (SELECT DISTINCT site FROM shown) AS s ON s.site = n.site
    ) AS dated
    WHERE place = 1
),
held AS (
    SELECT corpus, method, site,
        CASE
            WHEN count(*) FILTER (WHERE state = 'present') > 0 THEN 'present'
            WHEN count(*) FILTER (WHERE state = 'absent' AND unit_kind = 'site') > 0 THEN 'absent'
            ELSE 'unknown'
        END AS state,
        count(*) FILTER (WHERE unit_kind = 'site') AS whole,
        count(*) FILTER (WHERE unit_kind = 'host') AS hosts,
        CAST(sum(captures) FILTER (WHERE unit_kind = 'site') AS BIGINT) AS site_captures,
        CAST(sum(documents) FILTER (WHERE unit_kind = 'site') AS BIGINT) AS site_documents,
        CAST(sum(tokens) FILTER (WHERE unit_kind = 'site') AS BIGINT) AS site_tokens,
        CAST(sum(captures) FILTER (WHERE unit_kind = 'host') AS BIGINT) AS host_captures,
        CAST(sum(documents) FILTER (WHERE unit_kind = 'host') AS BIGINT) AS host_documents,
        CAST(sum(tokens) FILTER (WHERE unit_kind = 'host') AS BIGINT) AS host_tokens,
        max(observed_on) AS observed_on
    FROM newest
    GROUP BY corpus, method, site
),
corpora AS (
    SELECT DISTINCT corpus, method FROM presences
)
SELECT s.engine, s.surface, s.place, s.site, coalesce(n.cited, 0) AS cited, a.asked,
    CASE WHEN coalesce(n.cited = n.cited_most, TRUE) THEN coalesce(n.cited, 0) / nullif(a.asked, 0) END AS rate,
    s.citations, k.corpus, coalesce(h.state, 'unknown') AS state,
    CASE WHEN h.whole > 0 THEN h.site_captures ELSE h.host_captures END AS captures,
    CASE WHEN h.whole > 0 THEN h.site_documents ELSE h.host_documents END AS documents,
    CASE WHEN h.whole > 0 THEN h.site_tokens ELSE h.host_tokens END AS tokens,
    CASE WHEN h.whole > 0 THEN 0 ELSE coalesce(h.hosts, 0) END AS hosts, k.method, h.observed_on,
    CASE
        WHEN a.asked IS NULL THEN 'the source does not say what was asked'
        WHEN n.cited < n.cited_most THEN
            'cited by ' || n.cited || ' to ' || n.cited_most || ' answers: pages may share them'
        WHEN k.corpus IS NULL THEN 'no corpus has been imported'
        WHEN h.state IS NULL THEN 'no row of this site in the table of this corpus: unknown, not absent'
        WHEN h.state = 'unknown' AND h.hosts > 0 THEN 'rows of some hosts only, none present: unknown, not absent'
    END AS note
FROM shown AS s
JOIN asking AS a ON a.engine = s.engine AND a.surface = s.surface
LEFT JOIN answering AS n ON n.engine = s.engine AND n.surface = s.surface AND n.site_no = s.site_no
LEFT JOIN corpora AS k ON TRUE
LEFT JOIN held AS h ON h.corpus = k.corpus AND h.method = k.method AND h.site = s.site
ORDER BY s.engine, s.surface, s.place, k.corpus, k.method;
