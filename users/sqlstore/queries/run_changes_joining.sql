-- $1 run, $2 source id.
SELECT
    run_id, seq, phase, source_id, user_id, before_version, kind, reason, detail, name, email, fields,
    status, content_hash, manager_source_id, initial_state, outcome, error, effect, heard_at, joins
FROM run_changes
WHERE run_id = $1 AND joins = 1 AND kind = 'update' AND source_id IN (VALUES ($2))
ORDER BY phase, seq
