-- name: page_readiness
-- description: Which training filter each page fails, with its value and the limit, beside how often it is cited.
-- param only_site VARCHAR: pages of this site only; default: of all sites
-- param rule_set VARCHAR: this filter only (gopher_quality, gopher_repetition, c4, fineweb); default: all of them
--
-- One row per page and rule it fails, as the page was when it was fetched last; one without a rule for a page that fails
-- none, or none could be applied to (problem). loses: what the rule takes, the page or some of its lines. limit_value: what
-- the rule asks at least or allows at most, as limit_kind says. cited: answers that cite the page and sightings of it, of all
-- surfaces together; engines: how many cite it. Passing is no presence: what a filter lets through may still not be kept.
SET VARIABLE only_site = coalesce(getvariable('only_site')::VARCHAR, '');
SET VARIABLE rule_set = coalesce(getvariable('rule_set')::VARCHAR, '');
WITH fetched AS (
    SELECT page_no, unit, site, status, words, language, observed_at
    FROM page_texts
    WHERE getvariable('only_site') = '' OR site = getvariable('only_site')
),
judged AS (
    SELECT r.page_no, r.rule_set, r.rule, r.passed, r.value, r.low, r.high
    FROM page_rules AS r
    JOIN fetched AS f ON f.page_no = r.page_no AND f.observed_at = r.observed_at
    WHERE getvariable('rule_set') = '' OR r.rule_set = getvariable('rule_set')
),
failed AS (
    SELECT page_no, rule_set, rule, value, low, high,
        CASE WHEN rule LIKE 'line%' THEN 'lines' ELSE 'page' END AS loses
    FROM judged
    WHERE NOT passed
),
cited AS (
    SELECT page_no, CAST(sum(cited) AS BIGINT) AS cited, count(DISTINCT engine) AS engines
    FROM citations
    GROUP BY page_no
)
SELECT coalesce(c.cited, 0) AS cited, coalesce(c.engines, 0) AS engines, f.unit AS page, f.words, f.language,
    x.rule_set, x.rule, x.loses, x.value, CASE WHEN x.value < x.low THEN x.low ELSE x.high END AS limit_value,
    CASE WHEN x.rule IS NULL THEN NULL WHEN x.value < x.low THEN 'least' ELSE 'most' END AS limit_kind,
    CASE
        WHEN f.status <> 200 THEN 'status ' || f.status || ': nothing to read'
        WHEN f.words = 0 THEN 'no text was found in it'
        WHEN x.rule IS NULL THEN 'fails none'
    END AS problem,
    CAST(f.observed_at AS DATE) AS fetched
FROM fetched AS f
LEFT JOIN failed AS x ON x.page_no = f.page_no
LEFT JOIN cited AS c ON c.page_no = f.page_no
ORDER BY cited DESC, page, loses DESC, x.rule_set, x.rule;
