INSERT INTO application_groups (application_id, group_id)
VALUES ($1, $2)
ON CONFLICT (application_id, group_id) DO NOTHING
