DELETE FROM requests
WHERE id = $1 AND expires > $2
RETURNING value
