-- A page of people. $1 list key after which it starts, $2 pattern or empty,
-- $3 group or empty, $4 state or empty, $5 most rows.
SELECT
    u.id, u.base_state, u.epoch, u.version,
    u.email, COALESCE(u.email_key, ''), u.username, COALESCE(u.username_key, ''),
    u.first_name, u.last_name, u.manager_id, u.role, u.sealed, u.origin, u.attributes,
    u.access_from, u.access_until, u.confined_to, u.last_sign_in, u.created_at, u.updated_at,
    COALESCE(s.suspended_by, ''), COALESCE(s.connection_id, ''), COALESCE(s.reason, ''), COALESCE(s.since, 0)
FROM (
    SELECT f.*
    FROM users f
    WHERE f.list_key > $1
      AND ($2 = '' OR f.search_text LIKE $2 ESCAPE '\')
      AND ($3 = '' OR EXISTS (SELECT 1 FROM group_members m WHERE m.group_id = $3 AND m.user_id = f.id))
      AND ($4 = '' OR $4 = CASE
            WHEN EXISTS (SELECT 1 FROM suspensions x WHERE x.user_id = f.id) THEN 'suspended'
            ELSE f.base_state
          END)
    ORDER BY f.list_key
    LIMIT $5
) AS u
LEFT JOIN suspensions s ON s.user_id = u.id
ORDER BY u.list_key, s.since, s.suspended_by, s.connection_id
