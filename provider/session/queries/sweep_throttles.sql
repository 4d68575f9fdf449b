DELETE FROM throttles
WHERE id IN (SELECT id FROM throttles WHERE expires <= $1 LIMIT $2)
