UPDATE sessions
SET handle = $4, seen = $5, expires = $6, value = $7
WHERE user_id = $1 AND sid = $2 AND handle = $3 AND expires > $5
