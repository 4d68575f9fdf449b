DELETE FROM devices
WHERE handle IN (SELECT handle FROM devices WHERE expires <= $1 LIMIT $2)
