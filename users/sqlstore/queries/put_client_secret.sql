INSERT INTO client_secrets (application_id, hash, created_at, expires_at, hint, origin)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (application_id, hash) DO UPDATE
SET expires_at = excluded.expires_at
