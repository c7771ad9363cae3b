-- The last calls of clients, for whoever asks what became of one: as many as a gateway is told to keep.
-- Of all apps together and newest first, so the moment leads the key.
CREATE TABLE call (
    at_ms      BIGINT NOT NULL,
    request_id TEXT   NOT NULL,
    app_key    TEXT,
    method     TEXT,
    outcome    TEXT   NOT NULL,
    code       BIGINT,
    sub_code   TEXT,
    result     TEXT,
    cost_us    BIGINT NOT NULL,
    address    TEXT   NOT NULL,
    -- The rest of its story, as a sealed document.
    document   BYTEA  NOT NULL,
    PRIMARY KEY (at_ms, request_id)
);
CREATE INDEX call_request ON call (request_id);
