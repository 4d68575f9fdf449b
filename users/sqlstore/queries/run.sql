-- $1 run.
SELECT
    id, connection_id, preview, state, actor, started_at, finished_at, counts, stats,
    plan_hash, held, error_code, error, approved_by, approved_at, options, progress, scope
FROM runs
WHERE id = $1
