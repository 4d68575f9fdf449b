-- Writes a session. The cookie that led to this sid before is dead afterwards.
-- KEYS: session, cookie, index
-- ARGV: sid, handle, seen, expires, ttl, record of the session, record of the cookie,
--       end before which the index forgets, applications…
local sid, handle, seen, expires, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local before = redis.call('HGET', KEYS[1], 'handle')
if before then
  redis.call('DEL', KEYS[1], prefix .. 'cookie:' .. before)
end
redis.call('HSET', KEYS[1], 'value', ARGV[6], 'handle', handle)
for i = 9, #ARGV do
  redis.call('HSET', KEYS[1], 'application:' .. ARGV[i], '1')
end
redis.call('SET', KEYS[2], ARGV[7], 'PX', ttl)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', ARGV[8])
move(KEYS[1], KEYS[3], sid, seen, expires, ttl)
return {'ok'}
