-- $1 connection, $2 source id.
SELECT connection_id, source_id, user_id, status, content_hash, manager_source_id, seen_run, status_since
FROM people
WHERE connection_id = $1 AND source_id IN (VALUES ($2))
