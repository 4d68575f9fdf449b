SELECT id, alg, sealed, public, created_at, use_at, retire_at, remove_at
FROM signing_keys
ORDER BY created_at, id
