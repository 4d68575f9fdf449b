DELETE FROM requests
WHERE id IN (SELECT id FROM requests WHERE expires <= $1 LIMIT $2)
