-- $1 connection, $2 source id after which the page starts, $3 most rows.
SELECT connection_id, source_id, user_id, status, content_hash, manager_source_id, seen_run, status_since
FROM people
WHERE connection_id = $1 AND source_id > $2
ORDER BY source_id
LIMIT $3
