-- People and the enabled applications bound to a group that they are in. $1 person.
SELECT DISTINCT u.id, a.id
FROM users u
CROSS JOIN applications a
JOIN application_groups b ON b.application_id = a.id
WHERE a.disabled = 0
  AND (b.group_id = 'everyone' OR EXISTS (
      SELECT 1 FROM group_members m WHERE m.group_id = b.group_id AND m.user_id = u.id
  ))
  AND u.id IN (VALUES ($1))
