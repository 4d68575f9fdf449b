INSERT INTO refresh_tokens (handle, user_id, family, expires)
VALUES ($1, $2, $3, $4)
