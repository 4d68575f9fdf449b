INSERT INTO connection_applications (connection_id, application_id)
VALUES ($1, $2)
ON CONFLICT (connection_id, application_id) DO NOTHING
