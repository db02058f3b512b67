-- Append-only facts. Nothing here is updated or deleted but the finish of a run; views read the newest reading of each
-- capture, so a second reading supersedes the first. All times are naive UTC. Keys are 128-bit digests of identity;
-- numbers (…_no) are local to this file and exist for joins.

CREATE TABLE run (
    run_id      VARCHAR NOT NULL,
    kind        VARCHAR NOT NULL,          -- import, crawl
    started_at  TIMESTAMP NOT NULL,
    ingested_at TIMESTAMP NOT NULL
);

-- Bytes that came back, or a file that was handed in; the bytes themselves lie in the archive.
CREATE TABLE capture (
    capture_no  INTEGER NOT NULL,
    run_id      VARCHAR NOT NULL,
    identity    VARCHAR NOT NULL,          -- sha256 of a file, record id of a crawled reply
    name        VARCHAR NOT NULL,
    bytes       BIGINT NOT NULL,
    asked_at    TIMESTAMP,
    http_status INTEGER,
    ingested_at TIMESTAMP NOT NULL
);

-- One go of one reader over one capture. A failed reading says why and carries no rows.
CREATE TABLE reading (
    reading_no     INTEGER NOT NULL,
    capture_no     INTEGER NOT NULL,
    run_id         VARCHAR NOT NULL,
    plugin         VARCHAR NOT NULL,
    reader_version VARCHAR NOT NULL,
    url_rules      VARCHAR NOT NULL,
    options        VARCHAR NOT NULL,       -- what the person said about the file, sorted JSON
    problem        VARCHAR,
    ingested_at    TIMESTAMP NOT NULL
);

CREATE TABLE prompt (
    prompt_no INTEGER NOT NULL,
    prompt_id VARCHAR NOT NULL,
    text      VARCHAR NOT NULL,
    topic     VARCHAR NOT NULL,
    locale    VARCHAR NOT NULL,
    persona   VARCHAR NOT NULL,
    location  VARCHAR NOT NULL
);

CREATE TABLE page (
    page_no  INTEGER NOT NULL,
    url      VARCHAR NOT NULL,             -- canonical
    site     VARCHAR NOT NULL,             -- registrable domain, '' when an unresolved redirect names none
    site_key VARCHAR NOT NULL,             -- host without www., m., amp.
    resolved BOOLEAN NOT NULL              -- false: an opaque redirect nobody followed
);

-- Every spelling of an address that was met, with the page it is by the URL rules named.
CREATE TABLE link (
    link_no   INTEGER NOT NULL,
    raw_url   VARCHAR NOT NULL,
    url_rules VARCHAR NOT NULL,
    page_no   INTEGER NOT NULL
);

CREATE TABLE answer (
    answer_no       INTEGER NOT NULL,
    key             UHUGEINT NOT NULL,
    reading_no      INTEGER NOT NULL,
    provider        VARCHAR NOT NULL,
    engine          VARCHAR NOT NULL,
    surface         VARCHAR NOT NULL,
    model_requested VARCHAR,
    model_served    VARCHAR,
    prompt_no       INTEGER,
    basket_revision VARCHAR,
    snapshot        VARCHAR,
    sample_no       INTEGER,
    half            VARCHAR,
    status          VARCHAR NOT NULL,
    asked_at        TIMESTAMP,
    text            VARCHAR NOT NULL,
    cost_usd        DOUBLE,
    skipped_blocks  INTEGER NOT NULL,
    source_id       VARCHAR
);

CREATE TABLE citation (
    answer_no   INTEGER NOT NULL,
    page_no     INTEGER NOT NULL,
    link_no     INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    occurrences INTEGER NOT NULL,
    title       VARCHAR,
    passage     VARCHAR,
    spans       INTEGER[][]
);

CREATE TABLE retrieval (
    answer_no INTEGER NOT NULL,
    page_no   INTEGER NOT NULL,
    link_no   INTEGER NOT NULL,
    rank      INTEGER NOT NULL,
    title     VARCHAR
);

CREATE TABLE fan_out (
    answer_no INTEGER NOT NULL,
    ordinal   INTEGER NOT NULL,
    query     VARCHAR NOT NULL
);

-- A page seen cited where the answers themselves are not at hand. asked is the number of answers of the cell
-- (observed_at, provider, engine, surface, prompt), the same on each of its rows; null: the source does not say.
CREATE TABLE observation (
    key         UHUGEINT NOT NULL,
    reading_no  INTEGER NOT NULL,
    observed_at TIMESTAMP NOT NULL,
    provider    VARCHAR NOT NULL,
    engine      VARCHAR NOT NULL,
    surface     VARCHAR NOT NULL,
    model       VARCHAR,
    prompt_no   INTEGER,
    topic       VARCHAR,
    page_no     INTEGER,
    link_no     INTEGER,
    position    INTEGER,
    cited       INTEGER NOT NULL,
    asked       INTEGER
);

CREATE TABLE presence (
    key         UHUGEINT NOT NULL,
    reading_no  INTEGER NOT NULL,
    corpus      VARCHAR NOT NULL,
    unit        VARCHAR NOT NULL,
    unit_kind   VARCHAR NOT NULL,          -- host, site, page
    site        VARCHAR NOT NULL,
    site_key    VARCHAR NOT NULL,
    state       VARCHAR NOT NULL,          -- present, absent, unknown
    method      VARCHAR NOT NULL,
    captures    BIGINT,
    documents   BIGINT,
    tokens      BIGINT,
    observed_on DATE
);

CREATE TABLE feedback (
    key        UHUGEINT NOT NULL,
    reading_no INTEGER NOT NULL,
    source_id  VARCHAR NOT NULL,           -- source_id of the answer judged
    kind       VARCHAR NOT NULL,           -- rating, regenerated
    rating     INTEGER NOT NULL,
    given_at   TIMESTAMP,
    comment    VARCHAR
);
