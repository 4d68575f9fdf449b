-- $1 run, $2 kind, $3 and $4 phase and number after which the page starts, $5 most rows. The list of kinds is that of an index.
SELECT
    run_id, seq, phase, source_id, user_id, before_version, kind, reason, detail, name, email, fields,
    status, content_hash, manager_source_id, initial_state, outcome, error, effect, heard_at, joins
FROM run_changes
WHERE run_id = $1 AND kind = $2 AND kind IN ('suspend', 'reactivate', 'link', 'quarantine') AND outcome <> 'failed'
    AND (phase, seq) > ($3, $4)
ORDER BY phase, seq
LIMIT $5
