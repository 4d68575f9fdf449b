-- $1 owner, $2 name.
SELECT sealed FROM secrets WHERE owner = $1 AND name = $2
