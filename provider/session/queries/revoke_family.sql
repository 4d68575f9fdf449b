INSERT INTO revoked (user_id, family, expires)
VALUES ($1, $2, $3)
ON CONFLICT (user_id, family) DO UPDATE
SET expires = max(revoked.expires, excluded.expires)
