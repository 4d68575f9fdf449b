-- $1 run, $2 outcome or empty, $3 and $4 phase and number after which the page starts, $5 most rows.
SELECT
    run_id, seq, phase, source_id, user_id, before_version, kind, reason, detail, name, email, fields,
    status, content_hash, manager_source_id, initial_state, outcome, error, effect, heard_at, joins
FROM run_changes
WHERE run_id = $1 AND ($2 = '' OR outcome = $2) AND (phase, seq) > ($3, $4)
ORDER BY phase, seq
LIMIT $5
