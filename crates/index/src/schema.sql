-- Tables of the audit index, format 2. Everything here is made from the journal and can be made again.

-- How far the journal was copied, and how its clock ran.
CREATE TABLE source (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    seq        INTEGER NOT NULL,
    hash       TEXT    NOT NULL,
    ts         INTEGER NOT NULL,
    skipped    INTEGER NOT NULL,
    unreadable INTEGER NOT NULL
);

-- Texts that many events share. Dimensions are numbered in `dimension.rs`.
CREATE TABLE name (
    id        INTEGER PRIMARY KEY,
    dimension INTEGER NOT NULL,
    text      TEXT    NOT NULL,
    UNIQUE (dimension, text)
);

-- What events have in common; 0 stands for none.
CREATE TABLE class (
    id          INTEGER PRIMARY KEY,
    kind_id     INTEGER NOT NULL,
    node_id     INTEGER NOT NULL,
    grant_id    INTEGER NOT NULL,
    server_id   INTEGER NOT NULL,
    method_id   INTEGER NOT NULL,
    tool_id     INTEGER NOT NULL,
    decision_id INTEGER NOT NULL,
    outcome_id  INTEGER NOT NULL,
    rule_id     INTEGER NOT NULL,
    policy_id   INTEGER NOT NULL
);

CREATE INDEX class_by_grant ON class (grant_id);
CREATE INDEX class_by_tool ON class (tool_id);
CREATE INDEX class_by_rule ON class (rule_id);
CREATE INDEX class_by_outcome ON class (outcome_id);

-- One row for each judged call, and for each other record that tells of something. `id` is the record's
-- number in the journal.
CREATE TABLE event (
    id          INTEGER PRIMARY KEY,
    ts          INTEGER NOT NULL,
    class_id    INTEGER NOT NULL,
    client_id   INTEGER NOT NULL,
    request_id  TEXT,
    outcome_seq INTEGER,
    gateway_us  INTEGER,
    upstream_us INTEGER,
    count       INTEGER,
    detail      TEXT
);

-- In SQLite both end with `id` of themselves.
CREATE INDEX event_by_class ON event (class_id);
CREATE INDEX event_by_request ON event (request_id) WHERE request_id IS NOT NULL;

-- Stretches of events in which the clock went forward, and marks within them: see `timeline.rs`.
CREATE TABLE stretch (
    id       INTEGER PRIMARY KEY,
    first_ts INTEGER NOT NULL,
    high     INTEGER NOT NULL
);
CREATE TABLE mark (
    id         INTEGER PRIMARY KEY,
    stretch_id INTEGER NOT NULL,
    high       INTEGER NOT NULL
);
CREATE INDEX mark_by_high ON mark (stretch_id, high);

-- What is summed up together: see `series.rs`.
CREATE TABLE series (
    id          INTEGER PRIMARY KEY,
    level       INTEGER NOT NULL,
    server_id   INTEGER NOT NULL,
    tool_id     INTEGER NOT NULL,
    grant_id    INTEGER NOT NULL,
    decision_id INTEGER NOT NULL
);
CREATE INDEX series_by_server ON series (level, server_id, tool_id);
CREATE INDEX series_by_grant ON series (level, grant_id);

-- Sums per series and hour, and per series and day; `start` is in seconds since 1970. The sketch stands last: who needs
-- no more than the percentiles does not read it.
CREATE TABLE hourly (
    series_id    INTEGER NOT NULL,
    start        INTEGER NOT NULL,
    calls        INTEGER NOT NULL,
    errors       INTEGER NOT NULL,
    last_ts      INTEGER NOT NULL,
    peak         INTEGER NOT NULL,
    minute       INTEGER NOT NULL,
    minute_calls INTEGER NOT NULL,
    p50          INTEGER,
    p95          INTEGER,
    p99          INTEGER,
    latency      BLOB,
    PRIMARY KEY (series_id, start)
) WITHOUT ROWID;
CREATE TABLE daily (
    series_id    INTEGER NOT NULL,
    start        INTEGER NOT NULL,
    calls        INTEGER NOT NULL,
    errors       INTEGER NOT NULL,
    last_ts      INTEGER NOT NULL,
    peak         INTEGER NOT NULL,
    minute       INTEGER NOT NULL,
    minute_calls INTEGER NOT NULL,
    p50          INTEGER,
    p95          INTEGER,
    p99          INTEGER,
    latency      BLOB,
    PRIMARY KEY (series_id, start)
) WITHOUT ROWID;

INSERT INTO source (id, seq, hash, ts, skipped, unreadable) VALUES (1, 0, '', 0, 0, 0);
