SELECT id, alg, sealed, public, created_at, use_at, retire_at, remove_at, recorded
FROM signing_keys
ORDER BY created_at, id
