INSERT INTO calls (id, application_id, at, endpoint, outcome, reason, facts, stray, request_id, user_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (id) DO NOTHING
