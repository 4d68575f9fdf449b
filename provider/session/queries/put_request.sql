INSERT INTO requests (id, expires, value)
VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE
SET expires = excluded.expires, value = excluded.value
