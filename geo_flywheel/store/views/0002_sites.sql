-- Each page with a number for its site, so that whole markets are grouped by integers. site_no is the lowest page_no of
-- the site; its name stands in the row whose page_no is site_no.
CREATE OR REPLACE VIEW page_sites AS
SELECT page_no, url, site, resolved, min(page_no) OVER (PARTITION BY site) AS site_no
FROM page;

-- Each site once per answer that cites it, and once per cell of sightings whose answers are not at hand (answer_no null).
-- citations: pages cited, each as often as it was. Of sightings the number of answers lies between cited and cited_most.
-- For one site filter `citations` by its name instead: here the filter comes after the grouping.
CREATE OR REPLACE VIEW cited_sites AS
SELECT
    a.answer_no, a.provider, a.engine, a.surface, a.model_served, a.prompt_no, a.topic, a.week,
    d.site_no, 1 AS cited, 1 AS cited_most, d.citations, d.position
FROM (
    SELECT c.answer_no, s.site_no, count(*) AS citations, min(c.position) AS position
    FROM citation AS c
    JOIN page_sites AS s ON s.page_no = c.page_no
    WHERE s.site <> ''
    GROUP BY c.answer_no, s.site_no
) AS d
JOIN answers AS a ON a.answer_no = d.answer_no
WHERE a.delivered
UNION ALL
SELECT
    CAST(NULL AS INTEGER) AS answer_no, provider, engine, surface, model_served, prompt_no, topic, week,
    site_no, cited, least(citations, coalesce(asked, citations)) AS cited_most, citations, position
FROM (
    SELECT
        o.provider, o.engine, o.surface, o.model_served, o.prompt_no, o.topic, o.week, o.observed_at, s.site_no,
        max(o.cited) AS cited, max(o.asked) AS asked, CAST(sum(o.cited) AS BIGINT) AS citations,
        min(o.position) AS position
    FROM observations AS o
    JOIN page_sites AS s ON s.page_no = o.page_no
    WHERE o.cited > 0 AND s.site <> ''
    GROUP BY o.provider, o.engine, o.surface, o.model_served, o.prompt_no, o.topic, o.week, o.observed_at, s.site_no
) AS cell;
