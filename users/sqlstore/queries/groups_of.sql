-- The groups a person is in, without everyone. $1 person.
SELECT DISTINCT group_id FROM group_members WHERE user_id = $1
