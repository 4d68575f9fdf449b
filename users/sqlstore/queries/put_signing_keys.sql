INSERT INTO signing_keys (id, alg, sealed, public, created_at, use_at, retire_at, remove_at, recorded)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)
ON CONFLICT (id) DO UPDATE
SET alg = excluded.alg,
    sealed = excluded.sealed,
    public = excluded.public,
    created_at = excluded.created_at,
    use_at = excluded.use_at,
    retire_at = excluded.retire_at,
    remove_at = excluded.remove_at,
    recorded = excluded.recorded
