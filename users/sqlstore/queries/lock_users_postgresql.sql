-- Waits for whoever is changing the people, and keeps others waiting. In an UPDATE the plan would say
-- in which order; here the rows are locked as they leave the sort. $1 id.
SELECT id, version FROM users WHERE id IN (VALUES ($1))
ORDER BY id COLLATE "C"
FOR NO KEY UPDATE
