-- $5 the version that is replaced.
UPDATE applications
SET disabled = $2, origin = $3, document = $4, version = version + 1
WHERE id = $1 AND version = $5
