UPDATE throttles
SET count = count - 1
WHERE id = $1 AND expires > $2 AND count > 1
