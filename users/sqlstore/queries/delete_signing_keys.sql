-- $1 key.
DELETE FROM signing_keys WHERE id IN (VALUES ($1))
