-- Format 3. Which definitions of tools were seen, and what people say of their risk.

CREATE TABLE tool_sightings (
    server TEXT NOT NULL,
    tool TEXT NOT NULL,
    definition_hash TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    PRIMARY KEY (server, tool, definition_hash)
);

CREATE INDEX tool_sightings_last_seen ON tool_sightings (last_seen);

CREATE TABLE risk_overrides (
    id BIGINT PRIMARY KEY,
    server TEXT NOT NULL,
    tool TEXT NOT NULL,
    category TEXT NOT NULL,
    severity TEXT,
    reason TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    author TEXT NOT NULL,
    UNIQUE (server, tool)
);
