-- $3 the version that is replaced.
UPDATE settings SET document = $2, version = version + 1 WHERE name = $1 AND version = $3
