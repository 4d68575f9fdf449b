SELECT value
FROM devices
WHERE handle = $1 AND expires > $2
