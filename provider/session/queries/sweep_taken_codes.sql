DELETE FROM taken_codes
WHERE handle IN (SELECT handle FROM taken_codes WHERE expires <= $1 LIMIT $2)
