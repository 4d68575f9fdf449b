-- $1 connection, $2 person.
SELECT user_id, connection_id, status, since, access_from, access_until
FROM waivers
WHERE connection_id = $1 AND user_id IN (VALUES ($2))
