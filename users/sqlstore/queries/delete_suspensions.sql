-- $1 party or empty for all of them, $2 connection of that party, $3 person.
DELETE FROM suspensions
WHERE ($1 = '' OR (suspended_by = $1 AND connection_id = $2))
  AND user_id IN (VALUES ($3))
