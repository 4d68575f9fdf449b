DELETE FROM deliveries
WHERE (follower, event_seq, target) IN (VALUES ($1, CAST($2 AS BIGINT), $3))
