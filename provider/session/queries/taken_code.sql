SELECT user_id, family, client_id
FROM taken_codes
WHERE handle = $1 AND expires > $2
