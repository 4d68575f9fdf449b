SELECT value
FROM codes
WHERE handle = $1
