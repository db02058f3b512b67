-- name: engagement
-- description: What each source counts of a site's pages: visits out of assistants, views, clicks, backlinks, ranks.
-- param site VARCHAR: site to look up, lower case, no scheme
-- param since DATE: first day; default: everything
-- param until DATE: last day; default: everything
-- param only_source VARCHAR: this source alone; default: all of them
-- param top INTEGER: units shown of each source, metric, attribution and assistant
--
-- A row is one unit in the eyes of one source: sources count the same visits, each in its own way, and metrics, kinds and
-- attributions (referrer, utm, channel, source) are different things; nothing is added up over any of them. kind: a flow
-- is summed over its days, a level is as it stood on last_day. of_site: the flow over all units, none of which holds
-- another's visits; null for levels, which cannot be added. assistant: null where visits are not told apart, or where an
-- assistant is none of the known ones. days: days with a row; a day without one was not counted, or had nothing to count.
-- partial: true where a source says of any row that it left some out; null where it does not say. rules: different
-- filters among the rows; more than one means that the rows were counted in different ways.
SET VARIABLE site = coalesce(getvariable('site')::VARCHAR, 'example.com');
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE only_source = coalesce(getvariable('only_source')::VARCHAR, '');
SET VARIABLE top = coalesce(getvariable('top')::INTEGER, 20);
WITH counted AS (
    SELECT source, metric, kind, attribution, assistant, unit, unit_kind, day, value, partial, rule
    FROM engagements
    WHERE site = getvariable('site')
        AND (attribution IS NULL OR attribution IN ('referrer', 'utm', 'channel', 'source'))  -- others count captures
    UNION ALL
    SELECT source, metric, kind, attribution, assistant, unit, unit_kind, day, value, partial, rule
    FROM visit_engagements
    WHERE site = getvariable('site')
),
aged AS (
    SELECT source, metric, kind, attribution, assistant, unit, unit_kind, day, value, partial, rule,
        row_number() OVER (
            PARTITION BY source, metric, kind, attribution, assistant, unit, unit_kind ORDER BY day DESC
        ) AS age
    FROM counted
    WHERE (getvariable('since') IS NULL OR day >= getvariable('since'))
        AND (getvariable('until') IS NULL OR day <= getvariable('until'))
        AND (getvariable('only_source') = '' OR source = getvariable('only_source'))
),
summed AS (
    SELECT source, metric, kind, attribution, assistant, unit, unit_kind,
        CASE WHEN kind = 'flow' THEN sum(value) ELSE max(CASE WHEN age = 1 THEN value END) END AS value,
        count(DISTINCT day) AS days, min(day) AS first_day, max(day) AS last_day,
        CASE
            WHEN count(CASE WHEN partial THEN 1 END) > 0 THEN TRUE
            WHEN count(partial) = count(*) THEN FALSE
        END AS partial,
        count(DISTINCT rule) AS rules, max(CASE WHEN age = 1 THEN rule END) AS newest_rule
    FROM aged
    GROUP BY source, metric, kind, attribution, assistant, unit, unit_kind
),
placed AS (
    SELECT source, metric, kind, attribution, assistant, unit, unit_kind, value, days, first_day, last_day, partial,
        rules, newest_rule,
        CASE WHEN kind = 'flow' THEN sum(value) OVER (
            PARTITION BY source, metric, kind, attribution, assistant
        ) END AS of_site,
        row_number() OVER (
            PARTITION BY source, metric, kind, attribution, assistant ORDER BY value DESC, unit
        ) AS place
    FROM summed
)
SELECT source, metric, kind, attribution, assistant, unit_kind, unit, value, of_site, days, first_day, last_day,
    partial, rules, newest_rule
FROM placed
WHERE place <= getvariable('top')
ORDER BY source, metric, kind, attribution, assistant, place;
