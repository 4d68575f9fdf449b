INSERT INTO taken_codes (handle, user_id, family, client_id, expires)
VALUES ($1, $2, $3, $4, $5)
