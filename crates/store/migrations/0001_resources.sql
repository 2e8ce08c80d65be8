-- Format 1. SQLite and PostgreSQL both run it: only BIGINT, TEXT and BOOLEAN; hashes are hexadecimal text,
-- times Unix microseconds, ids and revisions come from `store_state.revision`.

CREATE TABLE store_state (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    revision BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    approvals BIGINT NOT NULL,
    people BIGINT NOT NULL,
    key_check TEXT
);

INSERT INTO store_state (id, revision, calls, approvals, people) VALUES (1, 0, 0, 0, 0);

CREATE TABLE secrets (
    owner TEXT NOT NULL,
    owner_id BIGINT NOT NULL,
    field TEXT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (owner, owner_id, field)
);

CREATE TABLE servers (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    reach TEXT NOT NULL CHECK (reach IN ('http', 'command')),
    url TEXT,
    program TEXT,
    args TEXT,
    shared BOOLEAN NOT NULL,
    protocol TEXT NOT NULL,
    timeout BIGINT NOT NULL,
    max_duration BIGINT NOT NULL,
    enabled BOOLEAN NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    author TEXT NOT NULL,
    CHECK ((reach = 'http' AND url IS NOT NULL AND program IS NULL AND args IS NULL)
        OR (reach = 'command' AND url IS NULL AND program IS NOT NULL AND args IS NOT NULL))
);

-- A policy that was removed keeps its row and versions: the journal names them.
CREATE TABLE policies (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    current_version BIGINT NOT NULL,
    removed BIGINT,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    author TEXT NOT NULL
);

CREATE UNIQUE INDEX policies_name ON policies (name) WHERE removed IS NULL;

CREATE TABLE policy_versions (
    policy_id BIGINT NOT NULL REFERENCES policies (id),
    number BIGINT NOT NULL,
    syntax TEXT NOT NULL,
    document TEXT NOT NULL,
    hash TEXT NOT NULL,
    comment TEXT,
    created BIGINT NOT NULL,
    author TEXT NOT NULL,
    PRIMARY KEY (policy_id, number)
);

CREATE INDEX policy_versions_hash ON policy_versions (hash);

CREATE TABLE grants (
    id BIGINT PRIMARY KEY,
    label TEXT NOT NULL UNIQUE,
    expires BIGINT,
    tags TEXT NOT NULL,
    names TEXT NOT NULL,
    managed_by_file BOOLEAN NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    author TEXT NOT NULL
);

-- Servers and policies by name: either may stand in the config file.
CREATE TABLE grant_servers (
    grant_id BIGINT NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    server TEXT NOT NULL,
    policy TEXT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (grant_id, server)
);

CREATE INDEX grant_servers_server ON grant_servers (server);
CREATE INDEX grant_servers_policy ON grant_servers (policy);

CREATE TABLE grant_tokens (
    sha256 TEXT PRIMARY KEY,
    grant_id BIGINT NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    created BIGINT NOT NULL,
    ends BIGINT,
    last_used BIGINT
);

CREATE INDEX grant_tokens_grant ON grant_tokens (grant_id);

CREATE TABLE grant_tombstones (
    label TEXT PRIMARY KEY,
    revoked BIGINT NOT NULL,
    author TEXT NOT NULL
);

-- Files that were taken over, by their content.
CREATE TABLE imports (
    sha256 TEXT PRIMARY KEY,
    created BIGINT NOT NULL
);

CREATE TABLE users (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    author TEXT NOT NULL
);

CREATE TABLE admin_tokens (
    id BIGINT PRIMARY KEY,
    label TEXT NOT NULL UNIQUE,
    sha256 TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    expires BIGINT,
    last_used BIGINT,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    author TEXT NOT NULL
);

CREATE TABLE sign_in_links (
    sha256 TEXT PRIMARY KEY,
    user_name TEXT NOT NULL,
    role TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT
);

CREATE TABLE console_sessions (
    sha256 TEXT PRIMARY KEY,
    user_name TEXT NOT NULL,
    role TEXT NOT NULL,
    csrf_sha256 TEXT NOT NULL,
    created BIGINT NOT NULL,
    idle_expires BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

CREATE INDEX console_sessions_user ON console_sessions (user_name);

CREATE TABLE pins (
    id BIGINT PRIMARY KEY,
    server TEXT NOT NULL,
    tool TEXT NOT NULL,
    definition_hash TEXT NOT NULL,
    state TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    author TEXT NOT NULL,
    UNIQUE (server, tool)
);

-- `sequence` orders approvals; times do not.
CREATE TABLE approvals (
    sequence BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    grant_label TEXT NOT NULL,
    server TEXT NOT NULL,
    tool TEXT NOT NULL,
    argument_hash TEXT NOT NULL,
    definition_hash TEXT NOT NULL,
    state TEXT NOT NULL,
    asked BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    decided BIGINT,
    decided_by TEXT,
    comment TEXT,
    used BIGINT
);

CREATE INDEX approvals_state ON approvals (state, sequence);

CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    author TEXT NOT NULL
);
