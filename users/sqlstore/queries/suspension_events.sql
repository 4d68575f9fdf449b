-- Ends of people's access, by the index of these. $1 number after which the page starts, $2 most rows.
SELECT e.seq, e.at, e.kind, e.actor, e.subject, e.data_hash, e.hash, d.salt, COALESCE(d.payload, '')
FROM events e
LEFT JOIN event_data d ON d.seq = e.seq
WHERE e.kind = 'user.suspended' AND e.seq > $1
ORDER BY e.seq
LIMIT $2
