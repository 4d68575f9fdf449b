INSERT INTO suspensions (user_id, suspended_by, connection_id, reason, since)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (user_id, suspended_by, connection_id) DO NOTHING
