INSERT INTO people (connection_id, source_id, user_id, status, content_hash, manager_source_id, seen_run, status_since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (connection_id, source_id) DO UPDATE
SET user_id = excluded.user_id,
    status = excluded.status,
    content_hash = excluded.content_hash,
    manager_source_id = excluded.manager_source_id,
    seen_run = excluded.seen_run,
    status_since = CASE
        WHEN people.status = excluded.status AND people.status_since <> 0 THEN people.status_since
        ELSE excluded.status_since
    END
