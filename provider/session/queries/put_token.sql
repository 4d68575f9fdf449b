INSERT INTO tokens (handle, user_id, sid, family, offline, expires, value)
VALUES ($1, $2, $3, $4, $5, $6, $7)
