-- While a transaction writes, nobody else does. $1 id.
SELECT id, version FROM users WHERE id IN (VALUES ($1))
