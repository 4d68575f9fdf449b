-- $1 run.
SELECT COUNT(*)
FROM run_changes c
JOIN users u ON u.id = c.user_id
WHERE c.run_id = $1 AND c.outcome = 'planned' AND c.before_version > 0 AND u.version <> c.before_version
