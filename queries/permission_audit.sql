-- name: permission_audit
-- description: What a site permits whom: allowed, disallowed, not stated or unknown, since when, and what contradicts it.
-- param site VARCHAR: site to look up, lower case, no scheme
-- param agent VARCHAR: what concerns this agent only, as in data/agents.toml; default: everything
-- param purpose VARCHAR: what concerns this purpose only (training, search_index, user_fetch, …); default: everything
--
-- One row per host or page, signal, agent and purpose, as the signal was seen last (seen). agent null: said to all.
-- since: first time seen of the state that has held ever since; it may have held before. unknown: the signal could not be
-- read, which is no permission. contradicted_by: a signal that says the opposite of the same host or its pages, to the
-- same agent and about the same purpose; what RFC 9309 allows by default contradicts nothing. A page has rows where it says
-- something, or where robots.txt says of it what it does not say of its host.
SET VARIABLE site = coalesce(getvariable('site')::VARCHAR, 'example.com');
SET VARIABLE agent = coalesce(getvariable('agent')::VARCHAR, '');
SET VARIABLE purpose = coalesce(getvariable('purpose')::VARCHAR, '');
WITH said AS (
    SELECT signal, unit, unit_kind, agent, lower(coalesce(agent, '')) AS to_whom, purpose, state, value, observed_at,
        CASE WHEN unit_kind = 'page' THEN lower(regexp_extract(unit, '^https?://([^/?#]+)', 1)) ELSE unit END AS host
    FROM permissions
    WHERE site = getvariable('site')
),
newest AS (
    SELECT signal, unit, max(observed_at) AS observed_at
    FROM said
    GROUP BY signal, unit
),
-- Pages have rows of what only robots.txt says as long as it says of them something else than of their host.
standing AS (
    SELECT s.signal, s.unit, s.unit_kind, s.host, s.agent, s.to_whom, s.purpose, s.state, s.value, s.observed_at
    FROM said AS s
    JOIN newest AS n ON n.signal = s.signal AND n.unit = s.unit AND n.observed_at = s.observed_at
    LEFT JOIN newest AS h ON h.signal = s.signal AND h.unit = s.host
    WHERE s.unit_kind <> 'page' OR s.signal NOT IN ('robots', 'content_signal') OR h.observed_at IS NULL
        OR s.observed_at >= h.observed_at
),
changed AS (
    SELECT c.signal, c.unit, c.to_whom, c.purpose, max(s.observed_at) AS observed_at
    FROM standing AS c
    JOIN said AS s ON s.signal = c.signal AND s.unit = c.unit AND s.to_whom = c.to_whom AND s.purpose = c.purpose
        AND s.state <> c.state
    GROUP BY c.signal, c.unit, c.to_whom, c.purpose
),
dated AS (
    SELECT c.signal, c.unit, c.to_whom, c.purpose, min(s.observed_at) AS since
    FROM standing AS c
    JOIN said AS s ON s.signal = c.signal AND s.unit = c.unit AND s.to_whom = c.to_whom AND s.purpose = c.purpose
        AND s.state = c.state
    LEFT JOIN changed AS x ON x.signal = c.signal AND x.unit = c.unit AND x.to_whom = c.to_whom AND x.purpose = c.purpose
    WHERE x.observed_at IS NULL OR s.observed_at > x.observed_at
    GROUP BY c.signal, c.unit, c.to_whom, c.purpose
),
firm AS (
    SELECT signal, unit, unit_kind, host, to_whom, purpose, state
    FROM standing
    WHERE state IN ('allowed', 'disallowed') AND NOT coalesce(value LIKE '%RFC 9309 allows%', FALSE)
),
opposed AS (
    SELECT a.signal, a.unit, a.to_whom, a.purpose, min(b.signal) AS contradicted_by
    FROM firm AS a
    JOIN firm AS b ON b.host = a.host AND b.signal <> a.signal AND b.state <> a.state
        AND (b.unit = a.unit OR b.unit_kind <> a.unit_kind)
        AND (b.to_whom = a.to_whom OR b.to_whom = '' OR a.to_whom = '')
        AND (b.purpose = a.purpose OR b.purpose = 'any' OR a.purpose = 'any')
    GROUP BY a.signal, a.unit, a.to_whom, a.purpose
)
SELECT c.unit, c.unit_kind, c.purpose, c.signal, c.agent, c.state, c.value, CAST(d.since AS DATE) AS since,
    CAST(c.observed_at AS DATE) AS seen, o.contradicted_by
FROM standing AS c
JOIN dated AS d ON d.signal = c.signal AND d.unit = c.unit AND d.to_whom = c.to_whom AND d.purpose = c.purpose
LEFT JOIN opposed AS o ON o.signal = c.signal AND o.unit = c.unit AND o.to_whom = c.to_whom AND o.purpose = c.purpose
WHERE (c.unit_kind <> 'page' OR c.state <> 'not_stated')
    AND (getvariable('agent') = '' OR c.to_whom IN ('', lower(getvariable('agent'))))
    AND (getvariable('purpose') = '' OR c.purpose IN ('any', getvariable('purpose')))
ORDER BY c.unit_kind, c.unit, c.purpose, c.signal, c.agent, c.state, c.value;
