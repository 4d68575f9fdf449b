SELECT 1
FROM codes
WHERE handle = $1 AND expires > $2
  AND NOT EXISTS (SELECT 1 FROM revoked AS r WHERE r.user_id = codes.user_id AND r.family = codes.family)
  AND (offline OR EXISTS (
      SELECT 1 FROM sessions AS s WHERE s.user_id = codes.user_id AND s.sid = codes.sid AND s.expires > $2))
