DELETE FROM sessions
WHERE user_id = $1 AND sid = $2
RETURNING handle, seen, expires, applications, value
