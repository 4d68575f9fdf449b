-- $1 person, $2 kind.
SELECT data, updated_at FROM credentials WHERE user_id = $1 AND kind = $2
