-- $1 connection.
SELECT DISTINCT p.user_id
FROM people AS p
JOIN people AS o ON o.user_id = p.user_id AND o.connection_id <> p.connection_id
WHERE p.connection_id = $1 AND p.user_id <> ''
ORDER BY p.user_id
