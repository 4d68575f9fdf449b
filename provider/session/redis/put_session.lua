-- Writes a new session.
-- KEYS, ARGV: as write has them, then the end before which the index forgets, applications…
write()
for i = 9, #ARGV do
  redis.call('HSET', KEYS[1], 'application:' .. ARGV[i], '1')
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', ARGV[8])
return {'ok'}
