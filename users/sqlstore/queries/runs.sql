-- $1 connection or empty for all, $2 most rows.
SELECT
    id, connection_id, preview, state, actor, started_at, finished_at, counts, stats,
    plan_hash, held, error_code, error, approved_by, approved_at, options, progress, scope
FROM runs
WHERE $1 = '' OR connection_id = $1
ORDER BY started_at DESC, id DESC
LIMIT $2
