-- $1 run, $2 and $3 phase and number after which the page starts, $4 most rows.
SELECT
    run_id, seq, phase, source_id, user_id, before_version, kind, reason, detail, name, email, fields,
    status, content_hash, manager_source_id, initial_state, outcome, error, effect, heard_at, joins
FROM run_changes
WHERE run_id = $1 AND outcome = 'failed' AND (phase, seq) > ($2, $3)
ORDER BY phase, seq
LIMIT $4
