-- decision.sql together with the person. $1 person, $2 application or empty, $3 now.
SELECT
    u.id, u.base_state, u.epoch, u.version,
    u.email, COALESCE(u.email_key, ''), u.username, COALESCE(u.username_key, ''),
    u.first_name, u.last_name, u.manager_id, u.role, u.sealed, u.origin, u.attributes,
    u.access_from, u.access_until, u.confined_to, u.last_sign_in, u.created_at, u.updated_at,
    (u.access_from > $3 OR (u.access_until <> 0 AND u.access_until <= $3)
        OR EXISTS (SELECT 1 FROM suspensions s WHERE s.user_id = u.id AND s.suspended_by <> 'window')),
    ($2 = '' OR EXISTS (
        SELECT 1
        FROM applications a
        JOIN application_groups b ON b.application_id = a.id
        WHERE a.id = $2 AND a.disabled = 0
          AND (b.group_id = 'everyone' OR EXISTS (
              SELECT 1 FROM group_members m WHERE m.group_id = b.group_id AND m.user_id = u.id
          ))
          AND (u.confined_to = '' OR EXISTS (
              SELECT 1 FROM connection_applications c WHERE c.connection_id = u.confined_to AND c.application_id = a.id
          ))
    ))
FROM users u
WHERE u.id = $1
