-- name: crawl_to_referral
-- description: What each operator's agents fetched of a site, beside the sessions its assistants sent.
-- param only_site VARCHAR: this site only; default: all sites
-- param since DATE: first day; default: everything
-- param until DATE: last day; default: everything
--
-- Fetches are those that succeeded (2xx, 304) and whose agent is not known to be false: training, search_index and mixed
-- are crawls, user_fetch and agent are asked for by a person at that moment. verified: of all of them, those from an
-- address the operator publishes. refused: requests of these agents that the site refused. Sessions are the least there
-- were, and those known by utm_source alone stand apart. crawls_per_session = crawls / sessions by referrer.
SET VARIABLE only_site = coalesce(getvariable('only_site')::VARCHAR, '');
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
WITH fetched AS (
    SELECT site, operator,
        sum(CASE WHEN status_class = 'ok' AND purpose = 'training' THEN hits ELSE 0 END) AS training,
        sum(CASE WHEN status_class = 'ok' AND purpose = 'search_index' THEN hits ELSE 0 END) AS search_index,
        sum(CASE WHEN status_class = 'ok' AND purpose = 'mixed' THEN hits ELSE 0 END) AS mixed,
        sum(CASE WHEN status_class = 'ok' AND purpose IN ('user_fetch', 'agent') THEN hits ELSE 0 END) AS user_fetch,
        sum(CASE WHEN status_class = 'ok' AND verification = 'verified' THEN hits ELSE 0 END) AS verified,
        sum(CASE WHEN status_class = 'refused' THEN hits ELSE 0 END) AS refused
    FROM bot_hits
    WHERE verification <> 'spoofed'
        AND (getvariable('only_site') = '' OR site = getvariable('only_site'))
        AND (getvariable('since') IS NULL OR day >= getvariable('since'))
        AND (getvariable('until') IS NULL OR day <= getvariable('until'))
    GROUP BY site, operator
),
sent AS (
    SELECT site, operator,
        sum(CASE WHEN attribution = 'referrer' THEN sessions ELSE 0 END) AS by_referrer,
        sum(CASE WHEN attribution = 'utm' THEN sessions ELSE 0 END) AS by_utm
    FROM referrals
    WHERE (getvariable('only_site') = '' OR site = getvariable('only_site'))
        AND (getvariable('since') IS NULL OR day >= getvariable('since'))
        AND (getvariable('until') IS NULL OR day <= getvariable('until'))
    GROUP BY site, operator
),
joined AS (
    SELECT coalesce(f.site, s.site) AS site, coalesce(f.operator, s.operator) AS operator,
        CAST(coalesce(f.training, 0) AS BIGINT) AS training, CAST(coalesce(f.search_index, 0) AS BIGINT) AS search_index,
        CAST(coalesce(f.mixed, 0) AS BIGINT) AS mixed, CAST(coalesce(f.user_fetch, 0) AS BIGINT) AS user_fetch,
        CAST(coalesce(f.verified, 0) AS BIGINT) AS verified, CAST(coalesce(f.refused, 0) AS BIGINT) AS refused,
        CAST(coalesce(s.by_referrer, 0) AS BIGINT) AS sessions_by_referrer,
        CAST(coalesce(s.by_utm, 0) AS BIGINT) AS sessions_by_utm
    FROM fetched AS f
    FULL JOIN sent AS s ON s.site = f.site AND s.operator = f.operator
)
SELECT site, operator, training, search_index, mixed, user_fetch, verified, refused, sessions_by_referrer,
    sessions_by_utm, (training + search_index + mixed) / nullif(sessions_by_referrer, 0) AS crawls_per_session,
    CASE WHEN sessions_by_referrer = 0 THEN 'no session by referrer in the logs: no ratio' END AS note
FROM joined
ORDER BY site, operator;
