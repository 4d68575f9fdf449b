DELETE FROM families
WHERE (user_id, family) IN (SELECT user_id, family FROM families WHERE expires <= $1 LIMIT $2)
