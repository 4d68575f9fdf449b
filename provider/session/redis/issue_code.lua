-- Writes a code if its session lives, and notes in the session that it was used.
-- KEYS: session, code, index
-- ARGV: sid, seen, expires of the session, its ttl, application, record of the code, its ttl
local sid, seen, expires, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if not lives(sid, seen) then
  return {'missing'}
end
redis.call('SET', KEYS[2], ARGV[6], 'PX', ARGV[7])
redis.call('HSET', KEYS[1], 'application:' .. ARGV[5], '1')
move(KEYS[1], KEYS[3], sid, seen, expires, ttl)
return {'ok'}
