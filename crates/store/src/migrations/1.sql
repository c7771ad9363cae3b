-- Aggregates as documents. A rowid table with a unique index: documents of 2 kB in a WITHOUT ROWID
-- table would double the file and halve the reads.
CREATE TABLE aggregate (
    owner      TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    -- The newest journal row of this aggregate; each row names the one before it.
    last_entry INTEGER NOT NULL,
    document   BLOB    NOT NULL
);
CREATE UNIQUE INDEX aggregate_key ON aggregate (owner, kind, id);

-- What changed, when, by which app and request. Only ever appended to, at the right edge; the story
-- of one aggregate is read backwards along `previous`, so that no second index is written.
CREATE TABLE journal (
    entry      INTEGER PRIMARY KEY,
    previous   INTEGER,
    owner      TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    what       TEXT    NOT NULL,
    at_ms      INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    request_id TEXT    NOT NULL,
    -- What more there is to say, as a sealed document.
    facts      BLOB
);

-- Any other number an aggregate is known by, unique within its owner and kind.
CREATE TABLE lookup (
    owner TEXT NOT NULL,
    kind  TEXT NOT NULL,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    id    TEXT NOT NULL,
    PRIMARY KEY (owner, kind, name, value)
) WITHOUT ROWID;

-- Apps and their access tokens: small, cached by every gateway.
CREATE TABLE app (
    app_key  TEXT PRIMARY KEY,
    document BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE session (
    app_key    TEXT NOT NULL,
    -- A keyed hash: the token itself is sealed in the document.
    token_hash BLOB NOT NULL,
    document   BLOB NOT NULL,
    PRIMARY KEY (app_key, token_hash)
) WITHOUT ROWID;

-- Facts about the database itself, such as which key seals it.
CREATE TABLE fact (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO fact VALUES ('access_epoch', '0');
