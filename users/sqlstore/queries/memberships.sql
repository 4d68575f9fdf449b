-- Memberships by hand and by rule. $1 person.
SELECT group_id, user_id, by_rule
FROM group_members
WHERE user_id IN (VALUES ($1))
ORDER BY group_id, by_rule
