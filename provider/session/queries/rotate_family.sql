UPDATE families
SET current = $2, expires = min($5, ends)
WHERE current = $1 AND client_id = $3 AND expires > $4
  AND NOT EXISTS (SELECT 1 FROM revoked AS r WHERE r.user_id = families.user_id AND r.family = families.family)
RETURNING user_id, family, ends, value
