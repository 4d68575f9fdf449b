-- $1 person.
DELETE FROM credentials WHERE user_id IN (VALUES ($1))
