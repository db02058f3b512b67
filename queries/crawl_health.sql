-- name: crawl_health
-- description: What came of the asking per provider, engine, surface and week, and what could not be read.
-- param since DATE: first week, by any day of it; default: everything; undated answers are always counted
-- param until DATE: last week, by any day of it; default: everything; undated answers are always counted
-- param today DATE: day whose week still runs; default: today in UTC
--
-- A row without a week counts answers that carry no date; weekly reports leave them out. A row without an engine counts
-- captures whose last reading failed, under the plugin that read them. delivered: grounded, ungrounded, not_shown,
-- refused and blocked; only these are denominators. ungrounded_share = ungrounded / delivered: answers given without a
-- search. skipped_blocks: parts of replies that the reader does not know. sightings: rows of pages without their answers;
-- sightings_unknown: those that do not say what was asked. unresolved_share: citations behind redirects nobody followed.
SET VARIABLE since = getvariable('since')::DATE;
SET VARIABLE until = getvariable('until')::DATE;
SET VARIABLE today = coalesce(getvariable('today')::DATE, CAST(current_timestamp AT TIME ZONE 'UTC' AS DATE));
WITH answered AS (
    SELECT provider, engine, surface, week, count(*) AS answers,
        count(*) FILTER (WHERE status = 'grounded') AS grounded,
        count(*) FILTER (WHERE status = 'ungrounded') AS ungrounded,
        count(*) FILTER (WHERE status = 'not_shown') AS not_shown,
        count(*) FILTER (WHERE status = 'incomplete') AS incomplete,
        count(*) FILTER (WHERE status = 'refused') AS refused,
        count(*) FILTER (WHERE status = 'blocked') AS blocked,
        count(*) FILTER (WHERE status = 'error') AS errors,
        count(*) FILTER (WHERE status = 'retired') AS retired,
        count(*) FILTER (WHERE delivered) AS delivered,
        CAST(sum(skipped_blocks) AS BIGINT) AS skipped_blocks
    FROM answers
    GROUP BY provider, engine, surface, week
),
sighted AS (
    SELECT provider, engine, surface, week, count(*) AS sightings, count(*) - count(asked) AS sightings_unknown
    FROM observations
    GROUP BY provider, engine, surface, week
),
paged AS (
    SELECT provider, engine, surface, week, CAST(sum(cited) AS BIGINT) AS citations,
        CAST(sum(CASE WHEN resolved THEN 0 ELSE cited END) AS BIGINT) AS unresolved
    FROM citations
    GROUP BY provider, engine, surface, week
),
failed AS (
    SELECT r.plugin AS provider, CAST(date_trunc('week', c.asked_at) AS DATE) AS week, count(*) AS failed_readings
    FROM (
        SELECT capture_no, plugin, problem, row_number() OVER (PARTITION BY capture_no ORDER BY reading_no DESC) AS place
        FROM reading
    ) AS r
    JOIN capture AS c ON c.capture_no = r.capture_no
    WHERE r.place = 1 AND r.problem IS NOT NULL
    GROUP BY r.plugin, CAST(date_trunc('week', c.asked_at) AS DATE)
),
laid AS (
    SELECT provider, engine, surface, week, answers, grounded, ungrounded, not_shown, incomplete, refused, blocked,
        errors, retired, delivered, skipped_blocks, 0 AS sightings, 0 AS sightings_unknown, 0 AS citations,
        0 AS unresolved, 0 AS failed_readings
    FROM answered
    UNION ALL
    SELECT provider, engine, surface, week, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, sightings, sightings_unknown, 0, 0, 0
    FROM sighted
    UNION ALL
    SELECT provider, engine, surface, week, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, citations, unresolved, 0
    FROM paged
    UNION ALL
    SELECT provider, CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), week, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        failed_readings
    FROM failed
)
SELECT provider, engine, surface, week,
    week >= CAST(date_trunc('week', getvariable('today')) AS DATE) AS running,
    CAST(sum(answers) AS BIGINT) AS answers, CAST(sum(delivered) AS BIGINT) AS delivered,
    CAST(sum(grounded) AS BIGINT) AS grounded, CAST(sum(ungrounded) AS BIGINT) AS ungrounded,
    CAST(sum(not_shown) AS BIGINT) AS not_shown, CAST(sum(refused) AS BIGINT) AS refused,
    CAST(sum(blocked) AS BIGINT) AS blocked, CAST(sum(incomplete) AS BIGINT) AS incomplete,
    CAST(sum(errors) AS BIGINT) AS errors, CAST(sum(retired) AS BIGINT) AS retired,
    sum(ungrounded) / nullif(sum(delivered), 0) AS ungrounded_share,
    CAST(sum(skipped_blocks) AS BIGINT) AS skipped_blocks, CAST(sum(sightings) AS BIGINT) AS sightings,
    CAST(sum(sightings_unknown) AS BIGINT) AS sightings_unknown,
    sum(unresolved) / nullif(sum(citations), 0) AS unresolved_share,
    CAST(sum(failed_readings) AS BIGINT) AS failed_readings
FROM laid
WHERE week IS NULL
    OR ((getvariable('since') IS NULL OR week >= CAST(date_trunc('week', getvariable('since')) AS DATE))
        AND (getvariable('until') IS NULL OR week <= getvariable('until')))
GROUP BY provider, engine, surface, week
ORDER BY provider, engine NULLS FIRST, surface NULLS FIRST, week NULLS FIRST;
