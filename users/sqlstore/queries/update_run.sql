-- Everything but id and connection.
UPDATE runs
SET preview = $2,
    state = $3,
    actor = $4,
    started_at = $5,
    finished_at = $6,
    counts = $7,
    stats = $8,
    plan_hash = $9,
    held = $10,
    error_code = $11,
    error = $12,
    approved_by = $13,
    approved_at = $14,
    options = $15,
    progress = $16,
    scope = $17
WHERE id = $1
