-- Many changes in one statement, each with its own outcome. No two of them share an aggregate or a
-- number; those whose number is another's, or whose version has moved, write nothing. They come in the
-- order of their keys, everybody's in the same, so that two statements do not wait for each other.
WITH item AS (
    SELECT at, owner, kind, id, version, document, what, at_ms, actor, request_id, facts, body
    FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bytea[], $7::text[],
                $8::bigint[], $9::text[], $10::text[], $11::bytea[], $17::bytea[])
        AS item (at, owner, kind, id, version, document, what, at_ms, actor, request_id, facts, body)
), claim AS (
    SELECT c.at, i.owner, i.kind, c.name, c.value, i.id,
        (SELECT l.id FROM lookup l
         WHERE l.owner = i.owner AND l.kind = i.kind AND l.name = c.name AND l.value = c.value) AS holder
    FROM unnest($12::int[], $13::text[], $14::text[]) AS c (at, name, value)
    JOIN item i ON i.at = c.at
), written AS (
    INSERT INTO aggregate AS a (owner, kind, id, version, document)
    SELECT i.owner, i.kind, i.id, i.version, i.document
    FROM item i
    WHERE i.at NOT IN (SELECT c.at FROM claim c WHERE c.holder <> c.id)
      AND (i.version = 1 OR i.version - 1 =
        (SELECT a.version FROM aggregate a
         WHERE a.owner = i.owner AND a.kind = i.kind AND a.id = i.id))
    ORDER BY i.at
    ON CONFLICT (owner, kind, id) DO UPDATE
        SET version = excluded.version, document = excluded.document
        WHERE a.version = excluded.version - 1
    RETURNING a.owner, a.kind, a.id
), done AS (
    SELECT i.at
    FROM item i
    JOIN written w ON w.owner = i.owner AND w.kind = i.kind AND w.id = i.id
), begun AS (
    INSERT INTO body AS b (owner, kind, id, text)
    SELECT i.owner, i.kind, i.id, i.body
    FROM item i
    JOIN done d ON d.at = i.at
    WHERE i.body IS NOT NULL
    ORDER BY i.at
    ON CONFLICT (owner, kind, id) DO UPDATE SET text = excluded.text WHERE b.text <> excluded.text
), told AS (
    INSERT INTO journal (owner, kind, id, version, what, at_ms, actor, request_id, facts)
    SELECT i.owner, i.kind, i.id, i.version, i.what, i.at_ms, i.actor, i.request_id, i.facts
    FROM item i
    JOIN done d ON d.at = i.at
), claimed AS (
    -- Of two that claim one number at once, the later fails whole and is asked again.
    INSERT INTO lookup (owner, kind, name, value, id)
    SELECT c.owner, c.kind, c.name, c.value, c.id
    FROM claim c
    JOIN done d ON d.at = c.at
    WHERE c.holder IS NULL
    ORDER BY c.owner, c.kind, c.name, c.value
), found AS (
    INSERT INTO person (owner, kind, id, hash)
    SELECT i.owner, i.kind, i.id, p.hash
    FROM unnest($15::int[], $16::bytea[]) AS p (at, hash)
    JOIN item i ON i.at = p.at
    JOIN done d ON d.at = p.at
    ON CONFLICT DO NOTHING
)
SELECT i.at, d.at IS NOT NULL AS is_done, c.name, c.value, c.holder
FROM item i
LEFT JOIN done d ON d.at = i.at
LEFT JOIN claim c ON c.at = i.at AND c.holder <> c.id
