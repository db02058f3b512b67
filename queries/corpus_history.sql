-- name: corpus_history
-- description: Snapshot by snapshot, what each corpus holds of one site, and which share of the pages asked about.
-- param site VARCHAR: site to follow, lower case, no scheme
-- param since DATE: first day a snapshot may have ended on; default: the first there is
-- param until DATE: last day a snapshot may have ended on; default: the last there is
--
-- snapshot: the last day of a crawl, or the day a row is dated by; crawl: its name where the source tells it.
-- state: of the whole site, as in presence_and_citations; unknown is never absent. captures, documents: of the site's own
-- row, else summed over its hosts' rows; null where only a part of the index came.
-- rate = pages_present / pages_known: of the pages that were asked about one by one, those whose state is known. Pages
-- found besides are left out: they are present by their very choice. low, high: 95%, Wilson, pages taken as independent.
-- The pages asked about are those the store knows, the most cited first, unless a person named others.
-- crawls_present of crawls_known: snapshots up to this one that hold the site, of those that were looked through for the
-- whole site, with the 95% interval (Wilson) of the chance that a snapshot does, crawls taken as independent; that is
-- what can be said of the next one, as long as nothing changes. Where only single pages or hosts were looked for, or a
-- part of the index came, the site can be found and never missed: those snapshots are on neither side.
-- came_by counts what the crawler fetched besides pages: redirects, errors, robots.txt.
SET VARIABLE site = coalesce(getvariable('site')::VARCHAR, 'example.com');
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
WITH held AS (
    SELECT corpus, method, observed_on AS snapshot,
        CASE
            WHEN count(*) FILTER (WHERE state = 'present') > 0 THEN 'present'
            WHEN count(*) FILTER (WHERE state = 'absent' AND unit_kind = 'site') > 0 THEN 'absent'
            ELSE 'unknown'
        END AS state,
        count(*) FILTER (WHERE unit_kind = 'site') AS whole,
        count(*) FILTER (WHERE unit_kind = 'host') AS hosts,
        count(*) FILTER (
            WHERE unit_kind = 'site' AND state <> 'unknown' AND coalesce(captures, documents) IS NOT NULL
        ) AS looked_through,
        CAST(sum(captures) FILTER (WHERE unit_kind = 'site') AS BIGINT) AS site_captures,
        CAST(sum(documents) FILTER (WHERE unit_kind = 'site') AS BIGINT) AS site_documents,
        CASE
            WHEN count(*) FILTER (WHERE unit_kind = 'host' AND state <> 'absent' AND captures IS NULL) = 0
                THEN CAST(sum(captures) FILTER (WHERE unit_kind = 'host') AS BIGINT)
        END AS host_captures,
        CASE
            WHEN count(*) FILTER (WHERE unit_kind = 'host' AND state <> 'absent' AND documents IS NULL) = 0
                THEN CAST(sum(documents) FILTER (WHERE unit_kind = 'host') AS BIGINT)
        END AS host_documents
    FROM presences
    WHERE site = getvariable('site') AND observed_on IS NOT NULL
        AND (getvariable('until') IS NULL OR observed_on <= getvariable('until'))
    GROUP BY corpus, method, observed_on
),
counted AS (
    SELECT attribution AS method, day AS snapshot, max(rule) AS crawl,
        CAST(sum(value) FILTER (WHERE metric = 'asked_pages') AS BIGINT) AS pages_asked,
        CAST(sum(value) FILTER (WHERE metric = 'asked_pages_present') AS BIGINT) AS pages_present,
        CAST(sum(value) FILTER (WHERE metric IN ('asked_pages_present', 'asked_pages_absent')) AS BIGINT) AS pages_known,
        CAST(sum(value) FILTER (
            WHERE metric IN ('redirect_captures', 'error_captures', 'robots_captures')
        ) AS BIGINT) AS came_by
    FROM engagements
    WHERE site = getvariable('site') AND unit_kind = 'site'
    GROUP BY attribution, day
),
followed AS (
    SELECT corpus, method, snapshot,
        count(*) FILTER (WHERE state = 'present' AND looked_through > 0) OVER (
            PARTITION BY corpus, method ORDER BY snapshot ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS crawls_present,
        count(*) FILTER (WHERE looked_through > 0) OVER (
            PARTITION BY corpus, method ORDER BY snapshot ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS crawls_known
    FROM held
),
told AS (
    SELECT h.corpus, h.method, h.snapshot, c.crawl, h.state, h.whole, h.hosts,
        CASE WHEN h.whole > 0 THEN h.site_captures ELSE h.host_captures END AS captures,
        CASE WHEN h.whole > 0 THEN h.site_documents ELSE h.host_documents END AS documents,
        c.came_by, c.pages_asked, c.pages_present, c.pages_known,
        c.pages_present / nullif(c.pages_known, 0) AS rate,
        f.crawls_present, f.crawls_known, f.crawls_present / nullif(f.crawls_known, 0) AS chance
    FROM held AS h
    JOIN followed AS f ON f.corpus = h.corpus AND f.method = h.method AND f.snapshot = h.snapshot
    LEFT JOIN counted AS c ON c.method = h.method AND c.snapshot = h.snapshot
),
limits AS (
    SELECT corpus, method, snapshot,
        (rate + 3.841458820694124 / nullif(2 * pages_known, 0)) / nullif(1 + 3.841458820694124 / nullif(pages_known, 0), 0)
            AS middle,
        1.959963984540054 / nullif(1 + 3.841458820694124 / nullif(pages_known, 0), 0)
            * sqrt(rate * (1 - rate) / nullif(pages_known, 0)
                + 3.841458820694124 / nullif(4 * pages_known * pages_known, 0)) AS half,
        (chance + 3.841458820694124 / nullif(2 * crawls_known, 0))
            / nullif(1 + 3.841458820694124 / nullif(crawls_known, 0), 0) AS chance_middle,
        1.959963984540054 / nullif(1 + 3.841458820694124 / nullif(crawls_known, 0), 0)
            * sqrt(chance * (1 - chance) / nullif(crawls_known, 0)
                + 3.841458820694124 / nullif(4 * crawls_known * crawls_known, 0)) AS chance_half
    FROM told
)
SELECT t.corpus, t.method, t.snapshot, t.crawl, t.state, t.captures, t.documents, t.came_by, t.pages_asked,
    t.pages_present, t.pages_known, t.rate,
    CASE WHEN t.rate = 0 THEN 0 ELSE l.middle - l.half END AS low,
    CASE WHEN t.rate = 1 THEN 1 ELSE l.middle + l.half END AS high,
    t.crawls_present, t.crawls_known, t.chance,
    CASE WHEN t.chance = 0 THEN 0 ELSE l.chance_middle - l.chance_half END AS chance_low,
    CASE WHEN t.chance = 1 THEN 1 ELSE l.chance_middle + l.chance_half END AS chance_high,
    CASE
        WHEN t.whole = 0 AND t.hosts = 0 THEN 'rows of single pages only: nothing is said of the whole site'
        WHEN t.state = 'unknown' THEN 'the query failed or brought only a part: unknown, not absent'
        WHEN t.state = 'present' AND t.captures IS NULL AND t.documents IS NULL THEN 'how much of it is not known'
        WHEN t.pages_known < t.pages_asked THEN
            (t.pages_asked - t.pages_known) || ' of the pages asked about are unknown, not absent'
    END AS note
FROM told AS t
JOIN limits AS l ON l.corpus = t.corpus AND l.method = t.method AND l.snapshot = t.snapshot
WHERE getvariable('since') IS NULL OR t.snapshot >= getvariable('since')
ORDER BY t.corpus, t.method, t.snapshot;
