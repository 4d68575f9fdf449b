DELETE FROM throttles
WHERE id = $1 AND expires > $2 AND count <= 1
