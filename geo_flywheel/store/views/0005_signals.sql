-- Of what was observed again (another fetch of the same day, another export) the newest capture counts.
CREATE OR REPLACE VIEW engagements AS
SELECT source, unit, unit_kind, page_no, site, site_key, day, CAST(date_trunc('week', day) AS DATE) AS week,
    metric, value, kind, assistant, attribution, rule, partial
FROM (
    SELECT e.*, row_number() OVER (
        PARTITION BY e.source, e.unit, e.unit_kind, e.day, e.metric, e.assistant, e.attribution
        ORDER BY r.capture_no DESC, e.key
    ) AS newest
    FROM engagement AS e
    JOIN current_reading AS r ON r.reading_no = e.reading_no
) AS ranked
WHERE newest = 1;

CREATE OR REPLACE VIEW permissions AS
SELECT DISTINCT p.signal, p.unit, p.unit_kind, p.page_no, p.site, p.site_key, p.agent, p.purpose, p.state, p.value,
    p.observed_at, CAST(p.observed_at AS DATE) AS day
FROM permission AS p
JOIN current_reading AS r ON r.reading_no = p.reading_no;

CREATE OR REPLACE VIEW listings AS
SELECT l.source, l.unit, l.page_no, l.site, l.site_key, max(l.modified_on) AS modified_on,
    min(l.observed_on) AS first_seen, max(l.observed_on) AS last_seen
FROM listing AS l
JOIN current_reading AS r ON r.reading_no = l.reading_no
GROUP BY l.source, l.unit, l.page_no, l.site, l.site_key;

-- Each page as it was fetched last, and each rule as the page fared then.
CREATE OR REPLACE VIEW page_texts AS
SELECT unit, page_no, site, site_key, status, title, language, words, text_sha256, signature, observed_at
FROM (
    SELECT t.*, row_number() OVER (PARTITION BY t.page_no ORDER BY t.observed_at DESC, t.key) AS newest
    FROM page_text AS t
    JOIN current_reading AS r ON r.reading_no = t.reading_no
) AS ranked
WHERE newest = 1;

CREATE OR REPLACE VIEW page_rules AS
SELECT unit, page_no, site, site_key, rule_set, rule, passed, value, low, high, observed_at
FROM (
    SELECT p.*, row_number() OVER (
        PARTITION BY p.page_no, p.rule_set, p.rule ORDER BY p.observed_at DESC, p.key
    ) AS newest
    FROM page_rule AS p
    JOIN current_reading AS r ON r.reading_no = p.reading_no
) AS ranked
WHERE newest = 1;

CREATE OR REPLACE VIEW page_links AS
SELECT l.page_no AS from_page_no, l.target_page_no AS to_page_no, min(l.observed_on) AS first_seen,
    max(l.observed_on) AS last_seen
FROM page_link AS l
JOIN current_reading AS r ON r.reading_no = l.reading_no
GROUP BY l.page_no, l.target_page_no;
