-- Groups with the number of their members. $1 group or empty for all.
SELECT
    g.id, g.label, g.rule, g.origin, g.version,
    (SELECT COUNT(DISTINCT m.user_id) FROM group_members m WHERE m.group_id = g.id)
FROM groups g
WHERE $1 = '' OR g.id = $1
