DELETE FROM tokens
WHERE handle = $1
