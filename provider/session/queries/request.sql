SELECT value
FROM requests
WHERE id = $1 AND expires > $2
