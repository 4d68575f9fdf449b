DELETE FROM sessions
WHERE user_id = $1 AND sid = $2
  AND NOT EXISTS (
      SELECT 1 FROM json_each(sessions.applications) AS a
      WHERE a.value NOT IN (SELECT told.value FROM json_each($3) AS told))
RETURNING handle, seen, expires, applications, value
