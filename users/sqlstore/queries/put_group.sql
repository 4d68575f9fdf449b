INSERT INTO groups (id, label, rule, origin, version)
VALUES ($1, $2, $3, $4, 1)
ON CONFLICT (id) DO UPDATE
SET label = excluded.label, rule = excluded.rule, origin = excluded.origin, version = groups.version + 1
