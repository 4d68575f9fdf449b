-- $1 connection, $2 scope, $3 most rows.
SELECT
    id, connection_id, preview, state, actor, started_at, finished_at, counts, stats,
    plan_hash, held, error_code, error, approved_by, approved_at, options, progress, scope
FROM runs
WHERE connection_id = $1 AND scope = $2
ORDER BY started_at DESC, id DESC
LIMIT $3
