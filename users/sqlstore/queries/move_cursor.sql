INSERT INTO followers (name, seq)
VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE
SET seq = excluded.seq
WHERE followers.seq < excluded.seq
