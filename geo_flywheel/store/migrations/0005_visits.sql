-- Access logs. Addresses of clients are verified while a log is read and stored nowhere.

-- A request of an AI agent, or of a person whom an assistant sent (agent null). path: without its query string.
CREATE TABLE visit (
    key          UBIGINT NOT NULL,          -- of its line, as in log_line
    reading_no   INTEGER NOT NULL,
    happened_at  TIMESTAMP NOT NULL,
    host         VARCHAR NOT NULL,
    page_no      INTEGER NOT NULL,
    link_no      INTEGER NOT NULL,
    path         VARCHAR NOT NULL,
    method       VARCHAR NOT NULL,
    status       INTEGER NOT NULL,
    bytes        BIGINT,
    agent        VARCHAR,                   -- as in data/agents.toml
    operator     VARCHAR,                   -- of the agent, or of the assistant that sent a person
    purpose      VARCHAR,                   -- training, search_index, user_fetch, agent, mixed, data_provider, archive, other
    verification VARCHAR,                   -- verified, spoofed, unverifiable, unknown_proxy; null: a person
    assistant    VARCHAR,                   -- as in data/referrers.toml; null: an agent
    attribution  VARCHAR,                   -- referrer, utm; by both: referrer
    utm_source   VARCHAR
);

-- All other requests, counted. day is in UTC.
CREATE TABLE traffic (
    reading_no INTEGER NOT NULL,
    host       VARCHAR NOT NULL,
    day        DATE NOT NULL,
    path       VARCHAR NOT NULL,
    status     INTEGER NOT NULL,
    requests   BIGINT NOT NULL
);

-- Every line that a reading holds: 64 bits over its bytes, and for the second and later equal lines of one file their
-- ordinal. A line that several files hold stands with the first of them.
CREATE TABLE log_line (
    key        UBIGINT NOT NULL,
    reading_no INTEGER NOT NULL
);

-- What a log was. lines: all but headers and empty ones; new: those no other log held; bad: new ones that say nothing.
CREATE TABLE log_file (
    reading_no INTEGER NOT NULL,
    format     VARCHAR NOT NULL,
    lines      BIGINT NOT NULL,
    new        BIGINT NOT NULL,
    bad        BIGINT NOT NULL,
    first_at   TIMESTAMP,
    last_at    TIMESTAMP
);

-- The first lines of a log that could not be read, without addresses of clients.
CREATE TABLE log_problem (
    reading_no INTEGER NOT NULL,
    ordinal    INTEGER NOT NULL,
    line       VARCHAR NOT NULL
);
