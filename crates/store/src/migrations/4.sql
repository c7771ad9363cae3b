-- What a document begins with, where that is large: an order's booking, which hardly ever changes. What
-- follows it changes often; apart, it stands on few pages, and few are written for many changes.
CREATE TABLE body (
    id   INTEGER PRIMARY KEY,
    text BLOB NOT NULL
);
-- Where the document of an aggregate begins, if not in its own row.
ALTER TABLE aggregate ADD COLUMN body INTEGER;

-- Aggregates with all of their documents.
CREATE VIEW whole AS
SELECT a.owner, a.kind, a.id, a.version,
    CAST(coalesce(b.text, x'') || a.document AS BLOB) AS document
FROM aggregate a LEFT JOIN body b ON b.id = a.body;
