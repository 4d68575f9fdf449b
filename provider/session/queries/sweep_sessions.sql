DELETE FROM sessions
WHERE handle IN (SELECT handle FROM sessions WHERE expires <= $1 LIMIT $2)
