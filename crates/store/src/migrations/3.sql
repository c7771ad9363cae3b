-- The last calls of clients, for whoever asks what became of one: as many as a gateway is told to keep,
-- written in groups beside the changes and never by them. Read newest first, so the key is time-ordered.
CREATE TABLE call (
    at_ms      INTEGER NOT NULL,
    request_id TEXT    NOT NULL,
    app_key    TEXT,
    method     TEXT,
    outcome    TEXT    NOT NULL,
    code       INTEGER,
    sub_code   TEXT,
    result     TEXT,
    cost_us    INTEGER NOT NULL,
    address    TEXT    NOT NULL,
    -- The rest of its story, as a sealed document; last, so that lists do not read it.
    document   BLOB    NOT NULL,
    PRIMARY KEY (at_ms, request_id)
);
-- A small one: of the calls that are kept only.
CREATE INDEX call_request ON call (request_id);
