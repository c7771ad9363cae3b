-- The owner leads every key, so that a database of many nodes can place what belongs together.
CREATE TABLE aggregate (
    owner    TEXT   NOT NULL,
    kind     TEXT   NOT NULL,
    id       TEXT   NOT NULL,
    version  BIGINT NOT NULL,
    document BYTEA  NOT NULL,
    PRIMARY KEY (owner, kind, id)
);

-- What changed, when, by which app and request: an aggregate's story stands together.
CREATE TABLE journal (
    owner      TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    what       TEXT   NOT NULL,
    at_ms      BIGINT NOT NULL,
    actor      TEXT   NOT NULL,
    request_id TEXT   NOT NULL,
    facts      BYTEA,
    PRIMARY KEY (owner, kind, id, version)
);

-- Any other number an aggregate is known by, unique within its owner and kind.
CREATE TABLE lookup (
    owner TEXT NOT NULL,
    kind  TEXT NOT NULL,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    id    TEXT NOT NULL,
    PRIMARY KEY (owner, kind, name, value)
);

-- Whose orders these are, by keyed hashes of documents and telephone numbers.
CREATE TABLE person (
    owner TEXT  NOT NULL,
    kind  TEXT  NOT NULL,
    id    TEXT  NOT NULL,
    hash  BYTEA NOT NULL,
    PRIMARY KEY (owner, kind, id, hash)
);
CREATE INDEX person_hash ON person (hash);

CREATE TABLE app (
    app_key  TEXT  PRIMARY KEY,
    document BYTEA NOT NULL
);

CREATE TABLE session (
    app_key    TEXT  NOT NULL,
    token_hash BYTEA NOT NULL,
    document   BYTEA NOT NULL,
    PRIMARY KEY (app_key, token_hash)
);

CREATE TABLE sealing_key (
    serial     BIGINT NOT NULL,
    wrapped_by TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    wrapped    TEXT   NOT NULL,
    PRIMARY KEY (serial, wrapped_by)
);

-- How often each app has called each gateway on a day of the platform's clock.
CREATE TABLE usage (
    app_key         TEXT   NOT NULL,
    day             BIGINT NOT NULL,
    gateway         TEXT   NOT NULL,
    calls           BIGINT NOT NULL,
    calls_in_second BIGINT NOT NULL,
    at_ms           BIGINT NOT NULL,
    PRIMARY KEY (app_key, day, gateway)
);

CREATE TABLE fact (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO fact VALUES ('access_epoch', '0');
