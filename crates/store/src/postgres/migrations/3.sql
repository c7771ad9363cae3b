-- What a document begins with, where that is large: an order's booking, which hardly ever changes. Its row in
-- aggregate then has only what follows, from the comma or the closing brace on: small, and written again with
-- every change.
CREATE TABLE body (
    owner TEXT  NOT NULL,
    kind  TEXT  NOT NULL,
    id    TEXT  NOT NULL,
    text  BYTEA NOT NULL,
    PRIMARY KEY (owner, kind, id)
);
-- Room on each page for the next version of what stands there: no index then hears of a change.
ALTER TABLE aggregate SET (fillfactor = 70);

-- Aggregates with all of their documents; half of one, which no program reads, where the other half is lost.
-- Each body is looked up by itself: joined, they might be read from the first on for every page of a list.
CREATE VIEW whole AS
SELECT a.owner, a.kind, a.id, a.version,
    CASE WHEN substr(a.document, 1, 1) IN (',', '}') THEN
        coalesce((SELECT b.text FROM body b WHERE b.owner = a.owner AND b.kind = a.kind AND b.id = a.id), '')
            || a.document
    ELSE a.document END AS document
FROM aggregate a;
