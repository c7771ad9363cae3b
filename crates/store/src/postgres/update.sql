-- The same for changes of what is there already, in one place or two, that claim nothing: those whose version
-- has moved write nothing. They come in the same order and, being few, are looked up one after the other; should
-- two statements wait for each other all the same, the server ends one, and it is sent again.
WITH written AS (
    UPDATE aggregate AS a
    SET version = i.version, document = i.document
    FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bytea[], $7::text[],
                $8::bigint[], $9::text[], $10::text[], $11::bytea[], $12::bytea[])
        AS i (at, owner, kind, id, version, document, what, at_ms, actor, request_id, facts, body)
    WHERE a.owner = i.owner AND a.kind = i.kind AND a.id = i.id AND a.version = i.version - 1
    RETURNING i.at, i.owner, i.kind, i.id, i.version, i.what, i.at_ms, i.actor, i.request_id, i.facts,
        i.body
), begun AS (
    UPDATE body AS b
    SET text = w.body
    FROM written w
    WHERE w.body IS NOT NULL AND b.owner = w.owner AND b.kind = w.kind AND b.id = w.id AND b.text <> w.body
), told AS (
    INSERT INTO journal (owner, kind, id, version, what, at_ms, actor, request_id, facts)
    SELECT owner, kind, id, version, what, at_ms, actor, request_id, facts FROM written
)
SELECT at FROM written
