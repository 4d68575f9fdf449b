-- Work that was not noted again since the caller has read it.
WITH delayed (kind, connection_id, subject, generation, due, attempts) AS (
    VALUES ($1, $2, $3, CAST($4 AS BIGINT), CAST($5 AS BIGINT), CAST($6 AS INTEGER))
)
UPDATE work
SET due = delayed.due, attempts = delayed.attempts
FROM delayed
WHERE work.kind = delayed.kind AND work.connection_id = delayed.connection_id
    AND work.subject = delayed.subject AND work.generation = delayed.generation
