-- $1 name.
SELECT document, version FROM settings WHERE name = $1
