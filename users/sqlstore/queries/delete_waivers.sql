-- $1 connection, $2 person.
DELETE FROM waivers WHERE connection_id = $1 AND user_id IN (VALUES ($2))
