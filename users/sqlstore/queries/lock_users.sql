-- Writes nothing new, but waits for whoever is changing the people and keeps others waiting. $1 id.
UPDATE users SET version = version WHERE id IN (VALUES ($1))
RETURNING id, version
