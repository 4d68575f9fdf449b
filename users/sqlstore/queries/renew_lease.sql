-- $1 name, $2 token, $3 end.
UPDATE leases SET expires_at = $3 WHERE name = $1 AND token = $2
