-- $1 role.
SELECT id FROM users WHERE role = $1 ORDER BY id
