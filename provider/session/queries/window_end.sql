SELECT expires
FROM throttles
WHERE id = $1 AND expires > $2
