INSERT INTO throttles (id, count, expires)
SELECT $1, 1, $2
WHERE $4 > 0
ON CONFLICT (id) DO UPDATE
SET count = CASE WHEN throttles.expires > $3 THEN throttles.count + 1 ELSE 1 END,
    expires = CASE WHEN throttles.expires > $3 THEN throttles.expires ELSE excluded.expires END
WHERE throttles.expires <= $3 OR throttles.count < $4
RETURNING count
