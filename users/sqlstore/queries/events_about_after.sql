-- $1 subject, $2 number after which the page starts, $3 most rows.
SELECT e.seq, e.at, e.kind, e.actor, e.subject, e.data_hash, e.hash, d.salt, COALESCE(d.payload, '')
FROM events e
LEFT JOIN event_data d ON d.seq = e.seq
WHERE e.subject = $1 AND e.seq > $2
ORDER BY e.seq
LIMIT $3
