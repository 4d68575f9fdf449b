INSERT INTO logos (application_id, digest, media_type, content)
VALUES ($1, $2, $3, $4)
ON CONFLICT (application_id) DO UPDATE
SET digest = excluded.digest, media_type = excluded.media_type, content = excluded.content
