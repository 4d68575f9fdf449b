-- Writes the first refresh token of a family.
-- KEYS: family, refresh token
-- ARGV: record of the grant, hash of the token, expires, ends, ttl until expires,
--       record of the token, ttl until ends, id of the family
redis.call('HSET', KEYS[1], 'value', ARGV[1], 'current', ARGV[2], 'expires', ARGV[3], 'ends', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('SET', KEYS[2], ARGV[6], 'PX', ARGV[7])
note_family(ARGV[8], ARGV[5])
return {'ok'}
