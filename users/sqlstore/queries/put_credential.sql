INSERT INTO credentials (user_id, kind, data, updated_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id, kind) DO UPDATE
SET data = excluded.data, updated_at = excluded.updated_at
