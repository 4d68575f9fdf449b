DELETE FROM tokens
WHERE handle IN (SELECT handle FROM tokens WHERE expires <= $1 LIMIT $2)
