SELECT application_id, hash, created_at, expires_at, hint, origin
FROM client_secrets
ORDER BY created_at, application_id, hash
