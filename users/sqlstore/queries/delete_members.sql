-- $1 group, $2 person, $3 1 by rule.
DELETE FROM group_members
WHERE (group_id, user_id, by_rule) IN (VALUES ($1, $2, CAST($3 AS INTEGER)))
