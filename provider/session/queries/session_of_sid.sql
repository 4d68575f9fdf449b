SELECT handle, seen, expires, applications, value
FROM sessions
WHERE user_id = $1 AND sid = $2
