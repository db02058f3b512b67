-- name: bot_visits
-- description: What AI agents fetched of each page per week, by purpose, and whether they are who they say.
-- param only_site VARCHAR: pages of this site only; default: of all sites
-- param since DATE: first week, by any day of it; default: everything
-- param until DATE: last week, by any day of it; default: everything
-- param top INTEGER: pages shown per week, those with the most hits; default: all
--
-- period: Monday of the ISO week in UTC. verification: verified, the address is one its operator publishes; spoofed, it is
-- none of them; unverifiable, there is no list to judge by; unknown_proxy, a proxy hides the address. status_class: ok is
-- 2xx and 304, for a page that has not changed was crawled as well; refused is 401, 402, 403, 429 and 451. days_logged: days
-- of the week of which there is a log of the page's host; of the others nothing is known.
SET VARIABLE only_site = coalesce(getvariable('only_site')::VARCHAR, '');
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE top = getvariable('top')::INTEGER;
WITH counted AS (
    SELECT week, page_no, url, site, agent, operator, purpose, verification, status_class,
        CAST(sum(hits) AS BIGINT) AS hits
    FROM bot_hits
    WHERE (getvariable('only_site') = '' OR site = getvariable('only_site'))
        AND (getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until'))
    GROUP BY week, page_no, url, site, agent, operator, purpose, verification, status_class
),
ranked AS (
    SELECT week, page_no, row_number() OVER (PARTITION BY week ORDER BY sum(hits) DESC, page_no) AS place
    FROM counted
    GROUP BY week, page_no
),
logged AS (
    SELECT host, CAST(date_trunc('week', day) AS DATE) AS week, count(*) AS days
    FROM log_days
    GROUP BY host, CAST(date_trunc('week', day) AS DATE)
)
SELECT c.week AS period, c.url AS page, c.agent, c.operator, c.purpose, c.verification, c.status_class, c.hits,
    c.site, l.days AS days_logged,
    CASE
        WHEN c.verification = 'spoofed' THEN 'not the agent it says it is'
        WHEN c.status_class = 'refused' THEN 'refused: an opportunity lost'
    END AS note
FROM counted AS c
JOIN ranked AS r ON r.week = c.week AND r.page_no = c.page_no
LEFT JOIN logged AS l ON l.week = c.week AND l.host = split_part(c.url, '/', 3)
WHERE getvariable('top') IS NULL OR r.place <= getvariable('top')
ORDER BY c.week, r.place, c.agent, c.verification, c.status_class, c.purpose;
