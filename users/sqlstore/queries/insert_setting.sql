INSERT INTO settings (name, document, version)
VALUES ($1, $2, 1)
ON CONFLICT (name) DO NOTHING
