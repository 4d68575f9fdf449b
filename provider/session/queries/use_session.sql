UPDATE sessions
SET seen = $3, expires = $4,
    applications = CASE
        WHEN EXISTS (SELECT 1 FROM json_each(sessions.applications) AS a WHERE a.value = $5) THEN applications
        ELSE json_insert(applications, '$[#]', $5)
    END
WHERE user_id = $1 AND sid = $2 AND expires > $3
