-- $1 person.
SELECT connection_id, source_id, user_id, status, content_hash, manager_source_id, seen_run, status_since
FROM people
WHERE user_id IN (VALUES ($1))
ORDER BY connection_id, source_id
