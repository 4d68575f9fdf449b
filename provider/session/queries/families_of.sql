SELECT family, expires, ends, value
FROM families AS f
WHERE user_id = $1 AND expires > $2
  AND NOT EXISTS (SELECT 1 FROM revoked AS r WHERE r.user_id = f.user_id AND r.family = f.family)
