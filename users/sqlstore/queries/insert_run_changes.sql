INSERT INTO run_changes (
    run_id, seq, phase, source_id, user_id, before_version, kind, reason, detail, name, email, fields,
    status, content_hash, manager_source_id, initial_state, outcome, error, effect, heard_at, joins
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
