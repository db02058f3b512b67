-- Engagement, permissions, and a site's own pages. Each row is about a unit (page, host, site): page_no is null unless it
-- is a page.
ALTER TABLE presence ADD COLUMN page_no INTEGER;

-- What one source counts of one unit on one day. assistant: where the visits came from, null when not told apart;
-- attribution: how that is known (referrer, utm, channel, source). partial: the source says that it left rows out.
CREATE TABLE engagement (
    key         UHUGEINT NOT NULL,
    reading_no  INTEGER NOT NULL,
    source      VARCHAR NOT NULL,          -- access_log, ga4, plausible, wikimedia, hackernews, …
    unit        VARCHAR NOT NULL,
    unit_kind   VARCHAR NOT NULL,          -- page, host, site
    day         DATE NOT NULL,
    metric      VARCHAR NOT NULL,          -- sessions, visitors, pageviews, clicks, impressions, backlinks, points, rank, …
    value       DOUBLE NOT NULL,
    kind        VARCHAR NOT NULL,          -- flow: counted over the day; level: how it stood then
    assistant   VARCHAR,
    attribution VARCHAR,
    rule        VARCHAR,                   -- the filter or definition by which it was counted
    partial     BOOLEAN,
    page_no     INTEGER,
    site        VARCHAR NOT NULL,
    site_key    VARCHAR NOT NULL
);

-- What a site says about who may use it for what. state: allowed, disallowed, not_stated, unknown (could not be read).
CREATE TABLE permission (
    key         UHUGEINT NOT NULL,
    reading_no  INTEGER NOT NULL,
    signal      VARCHAR NOT NULL,          -- robots, content_signal, content_usage, tdmrep, x_robots_tag, meta_robots, ai_txt, llms_txt
    unit        VARCHAR NOT NULL,
    unit_kind   VARCHAR NOT NULL,
    agent       VARCHAR,                   -- token of the agent; null: said to all
    purpose     VARCHAR NOT NULL,          -- training, search_index, user_fetch, agent, any, discovery
    state       VARCHAR NOT NULL,
    value       VARCHAR,                   -- as it is written there
    observed_at TIMESTAMP NOT NULL,
    page_no     INTEGER,
    site        VARCHAR NOT NULL,
    site_key    VARCHAR NOT NULL
);

-- A page known to exist, and from where: the risk set of pages that could be cited.
CREATE TABLE listing (
    key         UHUGEINT NOT NULL,
    reading_no  INTEGER NOT NULL,
    source      VARCHAR NOT NULL,          -- sitemap, crawl_index, access_log, links
    unit        VARCHAR NOT NULL,
    unit_kind   VARCHAR NOT NULL,
    modified_on DATE,                      -- as the source says
    observed_on DATE NOT NULL,
    page_no     INTEGER,
    site        VARCHAR NOT NULL,
    site_key    VARCHAR NOT NULL
);

-- A page as it was fetched: what a corpus would extract of it. signature: MinHash, little-endian 32-bit words.
CREATE TABLE page_text (
    key         UHUGEINT NOT NULL,
    reading_no  INTEGER NOT NULL,
    unit        VARCHAR NOT NULL,
    unit_kind   VARCHAR NOT NULL,
    status      INTEGER NOT NULL,
    title       VARCHAR,
    language    VARCHAR,
    words       INTEGER NOT NULL,
    text_sha256 VARCHAR NOT NULL,
    signature   BLOB,
    observed_at TIMESTAMP NOT NULL,
    page_no     INTEGER,
    site        VARCHAR NOT NULL,
    site_key    VARCHAR NOT NULL
);

-- How a page fares under one rule of a training filter. passed is null where the rule cannot be applied.
CREATE TABLE page_rule (
    key         UHUGEINT NOT NULL,
    reading_no  INTEGER NOT NULL,
    unit        VARCHAR NOT NULL,
    unit_kind   VARCHAR NOT NULL,
    rule_set    VARCHAR NOT NULL,          -- gopher_quality, gopher_repetition, c4, fineweb
    rule        VARCHAR NOT NULL,
    passed      BOOLEAN,
    value       DOUBLE,
    low         DOUBLE,                    -- what the rule allows, either limit null where there is none
    high        DOUBLE,
    observed_at TIMESTAMP NOT NULL,
    page_no     INTEGER,
    site        VARCHAR NOT NULL,
    site_key    VARCHAR NOT NULL
);

CREATE TABLE page_link (
    key         UHUGEINT NOT NULL,
    reading_no  INTEGER NOT NULL,
    unit        VARCHAR NOT NULL,          -- the page that links
    unit_kind   VARCHAR NOT NULL,
    target      VARCHAR NOT NULL,          -- address it links to
    observed_on DATE NOT NULL,
    target_page_no INTEGER,
    page_no     INTEGER,
    site        VARCHAR NOT NULL,
    site_key    VARCHAR NOT NULL
);

-- Who judged, and the judgement on the source's own scale.
ALTER TABLE feedback ADD COLUMN rater VARCHAR;
ALTER TABLE feedback ADD COLUMN score DOUBLE;
