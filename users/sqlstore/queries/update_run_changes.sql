WITH changed (run_id, seq, phase, outcome, error) AS (
    VALUES ($1, CAST($2 AS INTEGER), CAST($3 AS INTEGER), $4, $5)
)
UPDATE run_changes
SET phase = changed.phase, outcome = changed.outcome, error = changed.error
FROM changed
WHERE run_changes.run_id = changed.run_id AND run_changes.seq = changed.seq
