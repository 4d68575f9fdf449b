SELECT handle, seen, expires, applications, value
FROM sessions
WHERE handle = $1 AND expires > $2
