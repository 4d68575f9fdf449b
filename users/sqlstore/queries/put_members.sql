INSERT INTO group_members (group_id, user_id, by_rule)
VALUES ($1, $2, $3)
ON CONFLICT (group_id, user_id, by_rule) DO NOTHING
