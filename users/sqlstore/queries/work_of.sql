-- $1 connection.
SELECT kind, connection_id, subject, due, noted, generation, attempts
FROM work
WHERE connection_id = $1
ORDER BY due, kind, subject
