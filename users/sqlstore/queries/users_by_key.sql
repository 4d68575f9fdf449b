-- People by e-mail key or user name key. The union, unlike an OR, uses both
-- indexes on PostgreSQL. $1 key.
WITH wanted (login_key) AS (VALUES ($1)),
found (id) AS (
    SELECT e.id FROM wanted JOIN users e ON e.email_key = wanted.login_key
    UNION
    SELECT n.id FROM wanted JOIN users n ON n.username_key = wanted.login_key
)
SELECT
    u.id, u.base_state, u.epoch, u.version,
    u.email, COALESCE(u.email_key, ''), u.username, COALESCE(u.username_key, ''),
    u.first_name, u.last_name, u.manager_id, u.role, u.sealed, u.origin, u.attributes,
    u.access_from, u.access_until, u.confined_to, u.last_sign_in, u.created_at, u.updated_at,
    COALESCE(s.suspended_by, ''), COALESCE(s.connection_id, ''), COALESCE(s.reason, ''), COALESCE(s.since, 0)
FROM found
JOIN users u ON u.id = found.id
LEFT JOIN suspensions s ON s.user_id = u.id
ORDER BY u.id, s.since, s.suspended_by, s.connection_id
