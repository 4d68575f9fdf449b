-- Moves the last sign-in of people forward, never back.
WITH touched (id, at) AS (VALUES ($1, CAST($2 AS BIGINT)))
UPDATE users
SET last_sign_in = touched.at
FROM touched
WHERE users.id = touched.id AND users.last_sign_in < touched.at
