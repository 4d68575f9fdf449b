INSERT INTO consents (user_id, application_id, scopes, granted_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id, application_id) DO UPDATE
SET scopes = excluded.scopes, granted_at = excluded.granted_at
