-- The content-citation graph over the same facts. A cell is one engine on one surface, one prompt and one ISO week, the
-- snapshot; where the source names no prompt, all it says of one topic. asked: delivered answers of the cell; null where
-- the source does not say.
CREATE OR REPLACE VIEW graph_cells AS
SELECT engine, surface, prompt_no, CASE WHEN prompt_no IS NULL THEN topic ELSE '' END AS topic, week,
    CASE WHEN count(*) = count(asked) THEN CAST(sum(asked) AS BIGINT) END AS asked
FROM asked
WHERE week IS NOT NULL
GROUP BY engine, surface, prompt_no, CASE WHEN prompt_no IS NULL THEN topic ELSE '' END, week;

-- What each cell has to do with each page; seen: answers of the cell that cite it, or that consulted it.
CREATE OR REPLACE VIEW graph_page_ties AS
SELECT 'cited' AS kind, engine, surface, prompt_no, CASE WHEN prompt_no IS NULL THEN topic ELSE '' END AS topic,
    week, page_no,
    CAST(sum(cited) AS BIGINT) AS seen, min(day) AS first_seen, max(day) AS last_seen
FROM citations
WHERE week IS NOT NULL
GROUP BY engine, surface, prompt_no, CASE WHEN prompt_no IS NULL THEN topic ELSE '' END, week, page_no
UNION ALL
SELECT 'retrieved' AS kind, engine, surface, prompt_no, CASE WHEN prompt_no IS NULL THEN topic ELSE '' END AS topic,
    week, page_no,
    count(DISTINCT answer_no) AS seen, min(day) AS first_seen, max(day) AS last_seen
FROM retrievals
WHERE week IS NOT NULL
GROUP BY engine, surface, prompt_no, CASE WHEN prompt_no IS NULL THEN topic ELSE '' END, week, page_no;

CREATE OR REPLACE VIEW graph_query_ties AS
SELECT engine, surface, prompt_no, CASE WHEN prompt_no IS NULL THEN topic ELSE '' END AS topic, week, query,
    count(DISTINCT answer_no) AS seen
FROM fan_out_queries
WHERE week IS NOT NULL
GROUP BY engine, surface, prompt_no, CASE WHEN prompt_no IS NULL THEN topic ELSE '' END, week, query;

-- Every edge by the names of its ends, at each snapshot at which it was seen; week null: it belongs to no snapshot.
-- asked stands beside seen where the edge is a count of answers; first_seen and last_seen are days inside the snapshot.
CREATE OR REPLACE VIEW graph_edges AS
SELECT t.kind, 'cell' AS source_kind,
    t.engine || '/' || t.surface || '/' || coalesce(p.prompt_id, t.topic) || '/' || CAST(t.week AS VARCHAR) AS source,
    'page' AS target_kind, g.url AS target, t.week, t.seen, c.asked, t.first_seen, t.last_seen
FROM graph_page_ties AS t
JOIN page AS g ON g.page_no = t.page_no
JOIN graph_cells AS c ON c.engine = t.engine AND c.surface = t.surface AND c.week = t.week
    AND c.topic = t.topic AND c.prompt_no IS NOT DISTINCT FROM t.prompt_no
LEFT JOIN prompt AS p ON p.prompt_no = t.prompt_no
UNION ALL
SELECT 'fan-out' AS kind, 'cell' AS source_kind,
    t.engine || '/' || t.surface || '/' || coalesce(p.prompt_id, t.topic) || '/' || CAST(t.week AS VARCHAR) AS source,
    'query' AS target_kind, t.query AS target, t.week, t.seen, c.asked, t.week AS first_seen, t.week AS last_seen
FROM graph_query_ties AS t
JOIN graph_cells AS c ON c.engine = t.engine AND c.surface = t.surface AND c.week = t.week
    AND c.topic = t.topic AND c.prompt_no IS NOT DISTINCT FROM t.prompt_no
LEFT JOIN prompt AS p ON p.prompt_no = t.prompt_no
UNION ALL
SELECT 'belongs to' AS kind, 'cell' AS source_kind,
    c.engine || '/' || c.surface || '/' || p.prompt_id || '/' || CAST(c.week AS VARCHAR) AS source,
    'prompt' AS target_kind, p.prompt_id AS target, c.week, CAST(NULL AS BIGINT) AS seen, c.asked,
    c.week AS first_seen, c.week AS last_seen
FROM graph_cells AS c
JOIN prompt AS p ON p.prompt_no = c.prompt_no
UNION ALL
SELECT 'belongs to' AS kind, 'cell' AS source_kind,
    c.engine || '/' || c.surface || '/' || coalesce(p.prompt_id, c.topic) || '/' || CAST(c.week AS VARCHAR) AS source,
    'engine' AS target_kind, c.engine || '/' || c.surface AS target, c.week, CAST(NULL AS BIGINT) AS seen, c.asked,
    c.week AS first_seen, c.week AS last_seen
FROM graph_cells AS c
LEFT JOIN prompt AS p ON p.prompt_no = c.prompt_no
UNION ALL
SELECT DISTINCT 'belongs to' AS kind, 'page' AS source_kind, g.url AS source, 'site' AS target_kind, g.site AS target,
    CAST(NULL AS DATE) AS week, CAST(NULL AS BIGINT) AS seen, CAST(NULL AS BIGINT) AS asked,
    CAST(NULL AS DATE) AS first_seen, CAST(NULL AS DATE) AS last_seen
FROM page AS g
JOIN graph_page_ties AS t ON t.page_no = g.page_no
WHERE g.site <> ''
UNION ALL
SELECT 'present in' AS kind, CASE WHEN g.url IS NULL THEN 'site' ELSE 'page' END AS source_kind,
    coalesce(g.url, n.site) AS source, 'corpus' AS target_kind, n.corpus AS target,
    CAST(NULL AS DATE) AS week, CAST(NULL AS BIGINT) AS seen, CAST(NULL AS BIGINT) AS asked,
    min(n.observed_on) AS first_seen, max(n.observed_on) AS last_seen
FROM presences AS n
LEFT JOIN page AS g ON g.page_no = n.page_no
WHERE n.state = 'present' AND (g.url IS NOT NULL OR (n.unit_kind <> 'page' AND n.site <> ''))
GROUP BY CASE WHEN g.url IS NULL THEN 'site' ELSE 'page' END, coalesce(g.url, n.site), n.corpus
UNION ALL
SELECT 'links to' AS kind, 'page' AS source_kind, g.url AS source, 'page' AS target_kind, h.url AS target,
    CAST(NULL AS DATE) AS week, CAST(NULL AS BIGINT) AS seen, CAST(NULL AS BIGINT) AS asked,
    min(l.observed_on) AS first_seen, max(l.observed_on) AS last_seen
FROM page_link AS l
JOIN current_reading AS r ON r.reading_no = l.reading_no
JOIN page AS g ON g.page_no = l.page_no
JOIN page AS h ON h.page_no = l.target_page_no
GROUP BY g.url, h.url;

-- Each edge between a prompt and a page at every snapshot of the store, the running week too, with its first and last day
-- over all of them. state: observed; not observed (asked, and it was
-- not among the answers); not asked; unknown (seen elsewhere, and the source does not say how often it was asked).
CREATE OR REPLACE VIEW graph_edge_states AS
SELECT e.kind, e.engine, e.surface, e.prompt_no, e.topic, e.page_no, e.first_seen, e.last_seen, s.week,
    coalesce(t.seen, 0) AS seen, c.asked,
    CASE
        WHEN t.seen > 0 THEN 'observed'
        WHEN c.week IS NULL OR c.asked = 0 THEN 'not asked'
        WHEN c.asked IS NULL THEN 'unknown'
        ELSE 'not observed'
    END AS state
FROM (
    SELECT kind, engine, surface, prompt_no, topic, page_no, min(first_seen) AS first_seen, max(last_seen) AS last_seen
    FROM graph_page_ties
    GROUP BY kind, engine, surface, prompt_no, topic, page_no
) AS e
CROSS JOIN (SELECT DISTINCT week FROM graph_cells) AS s
LEFT JOIN graph_page_ties AS t ON t.kind = e.kind AND t.engine = e.engine AND t.surface = e.surface
    AND t.week = s.week AND t.page_no = e.page_no AND t.topic = e.topic AND t.prompt_no IS NOT DISTINCT FROM e.prompt_no
LEFT JOIN graph_cells AS c ON c.engine = e.engine AND c.surface = e.surface AND c.week = s.week
    AND c.topic = e.topic AND c.prompt_no IS NOT DISTINCT FROM e.prompt_no;
