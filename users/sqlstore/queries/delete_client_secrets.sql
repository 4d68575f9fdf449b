-- $1 application, $2 time before which they ended.
DELETE FROM client_secrets
WHERE application_id = $1 AND expires_at > 0 AND expires_at < $2
