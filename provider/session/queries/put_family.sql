INSERT INTO families (user_id, family, client_id, current, expires, ends, value)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (user_id, family) DO UPDATE
SET client_id = excluded.client_id, current = excluded.current,
    expires = excluded.expires, ends = excluded.ends, value = excluded.value
