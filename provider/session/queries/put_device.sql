INSERT INTO devices (handle, expires, value)
VALUES ($1, $2, $3)
