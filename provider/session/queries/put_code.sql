INSERT INTO codes (handle, user_id, sid, family, offline, client_id, redirect_uri, code_challenge, expires, value)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
