-- What visits have in common stands once: what they asked for, and how and by whom it was asked.

CREATE TABLE log_page (
    log_page_no INTEGER NOT NULL,
    host        VARCHAR NOT NULL,
    path        VARCHAR NOT NULL,           -- without its query string
    page_no     INTEGER NOT NULL,
    link_no     INTEGER NOT NULL
);

CREATE TABLE visit_kind (
    kind_no      INTEGER NOT NULL,
    method       VARCHAR NOT NULL,
    agent        VARCHAR,                   -- as in data/agents.toml
    operator     VARCHAR,                   -- of the agent, or of the assistant that sent a person
    purpose      VARCHAR,                   -- training, search_index, user_fetch, agent, mixed, data_provider, archive, other
    verification VARCHAR,                   -- verified, spoofed, unverifiable, unknown_proxy; null: a person
    assistant    VARCHAR,                   -- as in data/referrers.toml; null: an agent
    attribution  VARCHAR,                   -- referrer, utm; by both: referrer
    utm_source   VARCHAR
);

INSERT INTO log_page
SELECT row_number() OVER (ORDER BY host, path, link_no), host, path, page_no, link_no
FROM (SELECT DISTINCT host, path, page_no, link_no FROM visit);

INSERT INTO visit_kind
SELECT row_number() OVER (
        ORDER BY method, agent, operator, purpose, verification, assistant, attribution, utm_source
    ), *
FROM (SELECT DISTINCT method, agent, operator, purpose, verification, assistant, attribution, utm_source FROM visit);

ALTER TABLE visit RENAME TO whole_visit;

-- A request of an AI agent, or of a person whom an assistant sent (agent null).
CREATE TABLE visit (
    key         UBIGINT NOT NULL,           -- of its line, as in log_line
    reading_no  INTEGER NOT NULL,
    happened_at TIMESTAMP NOT NULL,
    log_page_no INTEGER NOT NULL,
    kind_no     INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    bytes       BIGINT
);

INSERT INTO visit
SELECT v.key, v.reading_no, v.happened_at, p.log_page_no, k.kind_no, v.status, v.bytes
FROM whole_visit AS v
JOIN log_page AS p USING (host, path, link_no)
JOIN visit_kind AS k ON k.method = v.method
    AND k.agent IS NOT DISTINCT FROM v.agent
    AND k.operator IS NOT DISTINCT FROM v.operator
    AND k.purpose IS NOT DISTINCT FROM v.purpose
    AND k.verification IS NOT DISTINCT FROM v.verification
    AND k.assistant IS NOT DISTINCT FROM v.assistant
    AND k.attribution IS NOT DISTINCT FROM v.attribution
    AND k.utm_source IS NOT DISTINCT FROM v.utm_source;

DROP TABLE whole_visit;
