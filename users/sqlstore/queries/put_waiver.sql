INSERT INTO waivers (user_id, connection_id, status, since, access_from, access_until)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (user_id, connection_id) DO UPDATE
SET status = excluded.status,
    since = excluded.since,
    access_from = excluded.access_from,
    access_until = excluded.access_until
