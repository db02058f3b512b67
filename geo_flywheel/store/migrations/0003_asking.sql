-- Where a redirect led when it was followed after an answer came; target is null when it led to no page.
CREATE TABLE redirect (
    reading_no  INTEGER NOT NULL,
    raw_url     VARCHAR NOT NULL,
    target      VARCHAR,
    status      INTEGER,
    resolved_at TIMESTAMP NOT NULL
);

-- cost_usd is exact when the reply told it; an estimate from the price table is marked.
ALTER TABLE answer ADD COLUMN cost_estimated BOOLEAN;
UPDATE answer SET cost_estimated = false;
