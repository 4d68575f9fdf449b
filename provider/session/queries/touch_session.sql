UPDATE sessions
SET seen = $2, expires = $3
WHERE handle = $1 AND expires > $2
