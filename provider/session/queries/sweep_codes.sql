DELETE FROM codes
WHERE handle IN (SELECT handle FROM codes WHERE expires <= $1 LIMIT $2)
