DELETE FROM revoked
WHERE (user_id, family) IN (SELECT user_id, family FROM revoked WHERE expires <= $1 LIMIT $2)
