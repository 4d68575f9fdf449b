SELECT value
FROM tokens
WHERE handle = $1 AND expires > $2
  AND NOT EXISTS (SELECT 1 FROM revoked AS r WHERE r.user_id = tokens.user_id AND r.family = tokens.family)
  AND (offline OR EXISTS (
      SELECT 1 FROM sessions AS s WHERE s.user_id = tokens.user_id AND s.sid = tokens.sid AND s.expires > $2))
