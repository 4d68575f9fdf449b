-- $1 connection, $2 time before which the run started, $3 most rows.
DELETE FROM run_changes
WHERE (run_id, seq) IN (
    SELECT c.run_id, c.seq
    FROM runs r
    JOIN run_changes c ON c.run_id = r.id
    WHERE r.connection_id = $1 AND r.started_at < $2
    LIMIT $3
)
