-- Requests of AI agents, and of people whom assistants sent. status_class: a page that has not changed since (304) was
-- crawled as well as one that was served; an agent that was refused is an opportunity lost.
CREATE OR REPLACE VIEW visits AS
SELECT
    v.happened_at, CAST(v.happened_at AS DATE) AS day, CAST(date_trunc('week', v.happened_at) AS DATE) AS week,
    p.host, p.page_no, g.url, g.site, g.site_key, p.path, k.method, v.status,
    CASE
        WHEN v.status BETWEEN 200 AND 299 OR v.status = 304 THEN 'ok'
        WHEN v.status BETWEEN 300 AND 399 THEN 'redirect'
        WHEN v.status IN (401, 402, 403, 429, 451) THEN 'refused'
        WHEN v.status IN (404, 410) THEN 'missing'
        WHEN v.status BETWEEN 400 AND 499 THEN 'client error'
        WHEN v.status BETWEEN 500 AND 599 THEN 'server error'
        ELSE 'other'
    END AS status_class,
    v.bytes, k.agent, k.operator, k.purpose, k.verification, k.assistant, k.attribution, k.utm_source, v.reading_no
FROM visit AS v
JOIN current_reading AS r ON r.reading_no = v.reading_no
JOIN visit_kind AS k ON k.kind_no = v.kind_no
JOIN log_page AS p ON p.log_page_no = v.log_page_no
JOIN page AS g ON g.page_no = p.page_no;

-- Hits of AI agents per page and day.
CREATE OR REPLACE VIEW bot_hits AS
SELECT page_no, url, site, site_key, day, week, agent, operator, purpose, verification, status_class, count(*) AS hits
FROM visits
WHERE agent IS NOT NULL
GROUP BY page_no, url, site, site_key, day, week, agent, operator, purpose, verification, status_class;

-- People who came from an assistant, per page and day. A session begins with a page that was shown; a redirect on the
-- way to it, or an error, is none. It is the least there were: applications often name no referrer.
CREATE OR REPLACE VIEW referrals AS
SELECT page_no, url, site, site_key, day, week, assistant, operator, attribution, count(*) AS sessions
FROM visits
WHERE assistant IS NOT NULL AND method = 'GET' AND status_class = 'ok'
GROUP BY page_no, url, site, site_key, day, week, assistant, operator, attribution;

-- The same as engagement.
CREATE OR REPLACE VIEW visit_engagements AS
SELECT 'access_log' AS source, url AS unit, 'page' AS unit_kind, page_no, site, site_key, day, week,
    'sessions' AS metric, CAST(sessions AS DOUBLE) AS value, 'flow' AS kind, assistant, attribution,
    CAST(NULL AS VARCHAR) AS rule, CAST(NULL AS BOOLEAN) AS partial
FROM referrals;

-- Fetches of a page by agents that index or train and are who they say, per day: that it is present to them.
CREATE OR REPLACE VIEW verified_fetches AS
SELECT page_no, url, site, site_key, day, week, operator, agent, purpose, sum(hits) AS fetches
FROM bot_hits
WHERE verification = 'verified' AND status_class = 'ok' AND purpose IN ('training', 'search_index', 'mixed')
GROUP BY page_no, url, site, site_key, day, week, operator, agent, purpose;

-- Pages that were served to an agent or to a person an assistant sent, as listings are.
CREATE OR REPLACE VIEW visit_listings AS
SELECT 'access_log' AS source, url AS unit, page_no, site, site_key, CAST(NULL AS DATE) AS modified_on,
    min(day) AS first_seen, max(day) AS last_seen
FROM visits
WHERE status = 200
GROUP BY url, page_no, site, site_key;

-- The hosts that each log names.
CREATE OR REPLACE VIEW log_hosts AS
SELECT reading_no, host FROM traffic
UNION
SELECT reading_no, host
FROM (SELECT DISTINCT reading_no, log_page_no FROM visit) AS v
JOIN log_page AS p ON p.log_page_no = v.log_page_no;

-- The days of which there is a log at all, per host: on another day nothing was seen, which is not nothing.
CREATE OR REPLACE VIEW log_days AS
SELECT host, day, sum(requests) AS requests
FROM (
    SELECT host, day, requests FROM traffic AS t JOIN current_reading AS r ON r.reading_no = t.reading_no
    UNION ALL
    SELECT host, day, 1 AS requests FROM visits
) AS seen
GROUP BY host, day;
