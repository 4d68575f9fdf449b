-- $1 person.
SELECT user_id, application_id, scopes, granted_at
FROM consents
WHERE user_id = $1
ORDER BY application_id
