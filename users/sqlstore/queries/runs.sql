-- $1 connection or empty for all, $2 and $3 start and id of the run before which the page begins, $4 most rows.
SELECT
    id, connection_id, preview, state, actor, started_at, finished_at, counts, stats,
    plan_hash, held, error_code, error, approved_by, approved_at, options, progress, scope
FROM runs
WHERE ($1 = '' OR connection_id = $1) AND (started_at, id) < ($2, $3)
ORDER BY started_at DESC, id DESC
LIMIT $4
