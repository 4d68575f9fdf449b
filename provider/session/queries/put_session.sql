INSERT INTO sessions (user_id, sid, handle, seen, expires, applications, value)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (user_id, sid) DO UPDATE
SET handle = excluded.handle, seen = excluded.seen, expires = excluded.expires,
    applications = excluded.applications, value = excluded.value
