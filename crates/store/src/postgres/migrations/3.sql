-- What a document begins with, where that is large: an order's booking, which hardly ever changes. Its row in
-- aggregate then has only what follows, from the comma on: small, and written again with every change.
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
CREATE VIEW whole AS
SELECT a.owner, a.kind, a.id, a.version,
    CASE substr(a.document, 1, 1) WHEN ',' THEN coalesce(b.text, '') || a.document ELSE a.document END AS document
FROM aggregate a LEFT JOIN body b ON b.owner = a.owner AND b.kind = a.kind AND b.id = a.id;
