SELECT state, COUNT(*)
FROM deliveries
WHERE follower = $1
GROUP BY state
