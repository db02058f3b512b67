-- name: ai_referrals
-- description: Sessions of people whom assistants sent to each page per week, as access logs tell.
-- param only_site VARCHAR: pages of this site only; default: of all sites
-- param since DATE: first week, by any day of it; default: everything
-- param until DATE: last week, by any day of it; default: everything
-- param top INTEGER: pages shown per week and assistant, those with the most sessions; default: all
--
-- period: Monday of the ISO week in UTC. attribution: by the referrer of the request; or by utm_source alone, which also
-- survives when an address is copied elsewhere. The two are never summed. Sessions are the least there were: many
-- applications name no referrer, and clicks out of AI Overviews come as those of the search engine. No request of an agent or
-- another program is among them. days_logged: days of the week of which there is a log of the page's host.
SET VARIABLE only_site = coalesce(getvariable('only_site')::VARCHAR, '');
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE top = getvariable('top')::INTEGER;
WITH counted AS (
    SELECT week, assistant, operator, attribution, page_no, url, site, CAST(sum(sessions) AS BIGINT) AS sessions
    FROM referrals
    WHERE (getvariable('only_site') = '' OR site = getvariable('only_site'))
        AND (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
    GROUP BY week, assistant, operator, attribution, page_no, url, site
),
ranked AS (
    SELECT week, assistant, operator, attribution, url, site, sessions,
        row_number() OVER (PARTITION BY week, assistant, attribution ORDER BY sessions DESC, page_no) AS place
    FROM counted
),
logged AS (
    SELECT host, CAST(date_trunc('week', day) AS DATE) AS week, count(*) AS days
    FROM log_days
    GROUP BY host, CAST(date_trunc('week', day) AS DATE)
)
SELECT r.week AS period, r.assistant, r.operator, r.attribution, r.url, r.site, r.sessions, l.days AS days_logged
FROM ranked AS r
LEFT JOIN logged AS l ON l.week = r.week AND l.host = split_part(r.url, '/', 3)
WHERE getvariable('top') IS NULL OR r.place <= getvariable('top')
ORDER BY r.week, r.assistant, r.attribution, r.place;
