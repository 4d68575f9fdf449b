-- People whose version still is what the caller read; the ids of those are returned.
-- The casts tell PostgreSQL the types of numbers, which it cannot see in a list of values.
WITH changed (
    id, version, base_state, epoch, email, email_key, username, username_key, list_key, search_text,
    first_name, last_name, manager_id, role, sealed, origin, attributes, access_from, access_until, confined_to,
    updated_at
) AS (
    VALUES (
        $1, CAST($2 AS BIGINT), $3, CAST($4 AS BIGINT), $5, $6, $7, $8, $9, $10,
        $11, $12, $13, $14, CAST($15 AS INTEGER), $16, $17, CAST($18 AS BIGINT), CAST($19 AS BIGINT),
        $20, CAST($21 AS BIGINT)
    )
)
UPDATE users
SET version = users.version + 1,
    base_state = changed.base_state,
    epoch = changed.epoch,
    email = changed.email,
    email_key = changed.email_key,
    username = changed.username,
    username_key = changed.username_key,
    list_key = changed.list_key,
    search_text = changed.search_text,
    first_name = changed.first_name,
    last_name = changed.last_name,
    manager_id = changed.manager_id,
    role = changed.role,
    sealed = changed.sealed,
    origin = changed.origin,
    attributes = changed.attributes,
    access_from = changed.access_from,
    access_until = changed.access_until,
    confined_to = changed.confined_to,
    updated_at = changed.updated_at
FROM changed
WHERE users.id = changed.id AND users.version = changed.version
RETURNING users.id
