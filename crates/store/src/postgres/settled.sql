-- Which of the changes are in the journal on their own request.
SELECT i.at
FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[])
    AS i (at, owner, kind, id, version, actor, request_id)
JOIN journal j ON j.owner = i.owner AND j.kind = i.kind AND j.id = i.id
    AND j.version = i.version AND j.actor = i.actor AND j.request_id = i.request_id
