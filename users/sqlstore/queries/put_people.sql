INSERT INTO people (connection_id, source_id, user_id, status, content_hash, manager_source_id, seen_run)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (connection_id, source_id) DO UPDATE
SET user_id = excluded.user_id,
    status = excluded.status,
    content_hash = excluded.content_hash,
    manager_source_id = excluded.manager_source_id,
    seen_run = excluded.seen_run
