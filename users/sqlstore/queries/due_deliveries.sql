-- $1 follower, $2 now, $3 most rows of one target, $4 most rows.
SELECT follower, event_seq, target, attempt, next_at, state, last_error
FROM (
    SELECT d.*, ROW_NUMBER() OVER (PARTITION BY d.target ORDER BY d.next_at, d.event_seq) AS place
    FROM deliveries d
    WHERE d.follower = $1 AND d.state = 'pending' AND d.next_at <= $2
) due
WHERE place <= $3
ORDER BY next_at, event_seq, target
LIMIT $4
