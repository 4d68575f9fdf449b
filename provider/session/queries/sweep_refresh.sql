DELETE FROM refresh_tokens
WHERE handle IN (SELECT handle FROM refresh_tokens WHERE expires <= $1 LIMIT $2)
