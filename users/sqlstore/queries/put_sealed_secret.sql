INSERT INTO secrets (owner, name, sealed)
VALUES ($1, $2, $3)
ON CONFLICT (owner, name) DO UPDATE
SET sealed = excluded.sealed
