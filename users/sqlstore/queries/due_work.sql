-- $1 now, $2 most rows of one kind of one connection.
SELECT kind, connection_id, subject, due, noted, generation, attempts
FROM (
    SELECT w.*, ROW_NUMBER() OVER (PARTITION BY w.connection_id, w.kind ORDER BY w.due, w.subject) AS place
    FROM work w
    WHERE w.due <= $1
) found
WHERE place <= $2
ORDER BY due, kind, connection_id, subject
