INSERT INTO applications (id, disabled, origin, document, version)
VALUES ($1, $2, $3, $4, 1)
ON CONFLICT (id) DO NOTHING
