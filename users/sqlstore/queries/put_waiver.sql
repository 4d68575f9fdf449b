INSERT INTO waivers (user_id, connection_id, status, since)
VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id, connection_id) DO UPDATE
SET status = excluded.status, since = excluded.since
