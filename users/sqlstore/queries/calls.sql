-- $1 application, $2 time from which on, $3 most rows.
SELECT id, application_id, at, endpoint, outcome, reason, facts, stray, request_id, user_id
FROM (
    SELECT * FROM calls
    WHERE application_id = $1 AND at >= $2
    ORDER BY at DESC, id DESC
    LIMIT $3
) newest
ORDER BY at, id
