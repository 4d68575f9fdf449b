-- $1 connection.
DELETE FROM connection_applications WHERE connection_id = $1
