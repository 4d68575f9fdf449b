-- People and the enabled applications bound to a group that they are in; with a time
-- none outside their access window. $1 now or 0, $2 person.
SELECT DISTINCT u.id, a.id
FROM users u
CROSS JOIN applications a
JOIN application_groups b ON b.application_id = a.id
WHERE a.disabled = 0
  AND (CAST($1 AS BIGINT) = 0 OR (u.access_from <= $1 AND (u.access_until = 0 OR u.access_until > $1)))
  AND (b.group_id = 'everyone' OR EXISTS (
      SELECT 1 FROM group_members m WHERE m.group_id = b.group_id AND m.user_id = u.id
  ))
  AND (u.confined_to = '' OR EXISTS (
      SELECT 1 FROM connection_applications c WHERE c.connection_id = u.confined_to AND c.application_id = a.id
  ))
  AND u.id IN (VALUES ($2))
