-- What speaks for the sign-in of an application, by the index of these events. $1 application.
SELECT e.seq, e.at, e.kind, e.actor, e.subject, e.data_hash, e.hash, d.salt, COALESCE(d.payload, '')
FROM events e
LEFT JOIN event_data d ON d.seq = e.seq
WHERE e.seq IN (
    SELECT MAX(n.seq)
    FROM events n
    WHERE n.kind IN ('application.sign_in_completed', 'import.checked') AND n.subject = $1
    GROUP BY n.kind, n.actor
)
ORDER BY e.seq
