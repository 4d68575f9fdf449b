INSERT INTO deliveries (follower, event_seq, target, attempt, next_at, state, last_error)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (follower, event_seq, target) DO UPDATE
SET attempt = excluded.attempt, next_at = excluded.next_at, state = excluded.state, last_error = excluded.last_error
