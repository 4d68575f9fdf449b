INSERT INTO runs (
    id, connection_id, preview, state, actor, started_at, finished_at, counts, stats,
    plan_hash, held, error_code, error, approved_by, approved_at, options, progress, scope
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
