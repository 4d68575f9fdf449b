SELECT f.user_id, f.family, f.client_id, f.ends, f.current <> t.handle
FROM refresh_tokens AS t
JOIN families AS f ON f.user_id = t.user_id AND f.family = t.family
WHERE t.handle = $1 AND f.expires > $2
