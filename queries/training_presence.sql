-- name: training_presence
-- description: What each corpus holds of one site, its hosts and its pages.
-- param site VARCHAR: site to look up, lower case, no scheme
--
-- state: present, absent, or unknown. A corpus whose table does not name the site says nothing about it: such tables are
-- often heads and samples of longer ones, so the state is unknown, never absent. newest: the last of the dated rows.
SET VARIABLE site = coalesce(getvariable('site')::VARCHAR, 'example.com');
WITH held AS (
    SELECT corpus, unit, unit_kind, state, method, captures, documents, tokens, observed_on,
        row_number() OVER (
            PARTITION BY corpus, unit, unit_kind, method ORDER BY coalesce(observed_on, DATE '0001-01-01') DESC
        ) = 1 AS newest
    FROM presences
    WHERE site = getvariable('site') OR unit = getvariable('site')
),
corpora AS (
    SELECT corpus, method, max(observed_on) AS observed_on
    FROM presences
    GROUP BY corpus, method
)
SELECT corpus, unit, unit_kind, state, captures, documents, tokens, method, observed_on, newest,
    CAST(NULL AS VARCHAR) AS note
FROM held
UNION ALL
SELECT c.corpus, getvariable('site') AS unit, 'site' AS unit_kind, 'unknown' AS state,
    CAST(NULL AS BIGINT) AS captures, CAST(NULL AS BIGINT) AS documents, CAST(NULL AS BIGINT) AS tokens,
    c.method, c.observed_on, TRUE AS newest,
    'no row of this site in the table of this corpus: unknown, not absent' AS note
FROM corpora AS c
LEFT JOIN (SELECT DISTINCT corpus, method FROM held) AS h ON h.corpus = c.corpus AND h.method = c.method
WHERE h.corpus IS NULL
ORDER BY corpus, method, unit_kind, unit, observed_on;
