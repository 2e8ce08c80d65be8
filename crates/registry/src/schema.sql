-- Tables of the catalogue, format 2. Nothing in it is in force: entries are information.

-- Where entries came from, and how far each source was read.
CREATE TABLE source (
    id       INTEGER PRIMARY KEY,
    place    TEXT    NOT NULL UNIQUE,
    -- What the file was when reading began; empty for a registry.
    identity TEXT    NOT NULL,
    -- Bytes of a dump, items of a list or pages of a registry that are stored.
    position INTEGER NOT NULL,
    -- Lines or items that are stored.
    line     INTEGER NOT NULL,
    -- Where a registry goes on, while it is read.
    cursor   TEXT,
    -- What a registry is asked for: entries that changed since then.
    since    TEXT,
    -- Wall time in microseconds since 1970.
    started  INTEGER NOT NULL,
    finished INTEGER
);

-- Servers by their newest version. `status`: 0 active, 1 deprecated, 2 deleted. `transports` is a set:
-- 1 stdio, 2 streamable-http, 4 sse. A server that is known by its tools alone has no version.
CREATE TABLE server (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    title       TEXT    NOT NULL,
    description TEXT    NOT NULL,
    version     TEXT    NOT NULL,
    status      INTEGER NOT NULL,
    transports  INTEGER NOT NULL,
    is_latest   INTEGER,
    published   TEXT,
    updated     TEXT
);

-- Every version with its `server.json` and what the registry says beside it.
CREATE TABLE version (
    server_id INTEGER NOT NULL,
    version   TEXT    NOT NULL,
    hash      BLOB    NOT NULL,
    document  TEXT    NOT NULL,
    meta      TEXT    NOT NULL,
    PRIMARY KEY (server_id, version)
) WITHOUT ROWID;

-- Tools with the machine's word on them. `labels` is a set of bits in the order of the labels.
CREATE TABLE tool (
    id         INTEGER PRIMARY KEY,
    server_id  INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    category   INTEGER NOT NULL,
    severity   INTEGER NOT NULL,
    confidence REAL    NOT NULL,
    labels     INTEGER NOT NULL,
    hash       BLOB    NOT NULL,
    title      TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    definition TEXT    NOT NULL,
    UNIQUE (server_id, name)
);

-- The terms of tools and servers; their texts are not stored twice. There is one column, and where in it a term stands
-- is not kept: `terms.rs` tells why.
CREATE VIRTUAL TABLE tool_words USING fts5 (
    terms,
    content = '', contentless_delete = 1, detail = none, prefix = '2 3',
    tokenize = "porter ascii tokenchars '!$=@%#&'"
);
CREATE VIRTUAL TABLE server_words USING fts5 (
    terms,
    content = '', contentless_delete = 1, detail = none, prefix = '2 3',
    tokenize = "porter ascii tokenchars '!$=@%#&'"
);
