-- $1 time.
DELETE FROM calls WHERE at < $1
