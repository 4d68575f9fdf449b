-- People by state. $1 connection or empty, $2 1 leaves out people with a role.
SELECT counted.state, COUNT(*)
FROM (
    SELECT CASE
        WHEN EXISTS (SELECT 1 FROM suspensions s WHERE s.user_id = u.id) THEN 'suspended'
        ELSE u.base_state
    END AS state
    FROM users u
    WHERE ($1 = '' OR EXISTS (SELECT 1 FROM people p WHERE p.user_id = u.id AND p.connection_id = $1))
      AND ($2 = 0 OR u.role = 'none')
) AS counted
GROUP BY counted.state
