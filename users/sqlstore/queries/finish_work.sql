DELETE FROM work
WHERE (kind, connection_id, subject, generation) IN (VALUES ($1, $2, $3, CAST($4 AS BIGINT)))
