-- What a document begins with, where that is large: an order's booking, which hardly ever changes. What
-- follows it changes often; apart, it stands on few pages, and few are written for many changes.
CREATE TABLE body (
    id   INTEGER PRIMARY KEY,
    text BLOB NOT NULL
);
-- Where the document of an aggregate begins, if not in its own row.
ALTER TABLE aggregate ADD COLUMN body INTEGER;

-- Aggregates with all of their documents; NULL where half of one is lost.
CREATE VIEW whole AS
SELECT a.owner, a.kind, a.id, a.version,
    CASE WHEN a.body IS NULL THEN a.document ELSE CAST(b.text || a.document AS BLOB) END AS document
FROM aggregate a LEFT JOIN body b ON b.id = a.body;
