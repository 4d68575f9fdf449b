-- $1 application, $2 how many rows are kept, at least: those of one instant go together.
DELETE FROM calls
WHERE application_id = $1
  AND at < (SELECT c.at FROM calls c WHERE c.application_id = $1 ORDER BY c.at DESC LIMIT 1 OFFSET $2 - 1)
