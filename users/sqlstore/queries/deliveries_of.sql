SELECT follower, event_seq, target, attempt, next_at, state, last_error
FROM deliveries
WHERE follower = $1 AND event_seq = $2
ORDER BY target
