-- Frees addresses and user names for others. $1 person.
UPDATE users
SET email_key = NULL, username_key = NULL, list_key = '~' || id
WHERE id IN (VALUES ($1))
