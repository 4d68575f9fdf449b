SELECT f.user_id, f.family, f.expires, f.ends, f.current <> t.handle, f.value
FROM refresh_tokens AS t
JOIN families AS f ON f.user_id = t.user_id AND f.family = t.family
WHERE t.handle = $1 AND f.expires > $2
  AND NOT EXISTS (SELECT 1 FROM revoked AS r WHERE r.user_id = f.user_id AND r.family = f.family)
