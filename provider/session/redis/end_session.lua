-- Deletes a session and returns the fields it had, none without one.
-- KEYS: session, index
-- ARGV: sid
local fields = redis.call('HGETALL', KEYS[1])
local handle = redis.call('HGET', KEYS[1], 'handle')
if handle then
  redis.call('DEL', KEYS[1], prefix .. 'cookie:' .. handle)
end
redis.call('ZREM', KEYS[2], ARGV[1])
return fields
