-- Raises the token, so that who gave the lease back cannot go on with it. $1 name, $2 token.
UPDATE leases SET holder = '', token = token + 1, expires_at = 0 WHERE name = $1 AND token = $2
