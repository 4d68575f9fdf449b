-- One row per person and suspension, one for people without any. $1 id.
SELECT
    u.id, u.base_state, u.epoch, u.version,
    u.email, COALESCE(u.email_key, ''), u.username, COALESCE(u.username_key, ''),
    u.first_name, u.last_name, u.manager_id, u.role, u.sealed, u.origin, u.attributes,
    u.access_from, u.access_until, u.confined_to, u.last_sign_in, u.created_at, u.updated_at,
    COALESCE(s.suspended_by, ''), COALESCE(s.connection_id, ''), COALESCE(s.reason, ''), COALESCE(s.since, 0)
FROM users u
LEFT JOIN suspensions s ON s.user_id = u.id
WHERE u.id IN (VALUES ($1))
ORDER BY u.id, s.since, s.suspended_by, s.connection_id
