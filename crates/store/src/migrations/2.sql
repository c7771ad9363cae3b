-- The keys that seal what people must not read, each wrapped by every operator's key that may open it.
-- Key 0 is the one that look-ups are hashed with; of the others, the highest seals. None is ever
-- deleted: what an old one sealed must open.
CREATE TABLE sealing_key (
    serial     INTEGER NOT NULL,
    wrapped_by TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    wrapped    TEXT    NOT NULL,
    PRIMARY KEY (serial, wrapped_by)
) WITHOUT ROWID;

-- Whose orders these are, by keyed hashes of documents and telephone numbers.
CREATE TABLE person (
    hash  BLOB NOT NULL,
    owner TEXT NOT NULL,
    kind  TEXT NOT NULL,
    id    TEXT NOT NULL,
    PRIMARY KEY (hash, owner, kind, id)
) WITHOUT ROWID;

-- How often each app has called each gateway on a day of the platform's clock.
CREATE TABLE usage (
    app_key         TEXT    NOT NULL,
    day             INTEGER NOT NULL,
    gateway         TEXT    NOT NULL,
    calls           INTEGER NOT NULL,
    -- In the latest second that it says this of.
    calls_in_second INTEGER NOT NULL,
    at_ms           INTEGER NOT NULL,
    PRIMARY KEY (app_key, day, gateway)
) WITHOUT ROWID;
