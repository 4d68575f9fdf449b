INSERT INTO sessions (user_id, sid, handle, seen, expires, applications, value)
VALUES ($1, $2, $3, $4, $5, $6, $7)
