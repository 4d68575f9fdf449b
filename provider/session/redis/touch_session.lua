-- Moves seen and expires of the live session a cookie leads to.
-- KEYS: cookie, index
-- ARGV: seen, expires, ttl
local cookie = redis.call('GET', KEYS[1])
if not cookie then
  return {'missing'}
end
local sid = cjson.decode(cookie).value
if not lives(sid, ARGV[1]) then
  return {'missing'}
end
move(prefix .. 'session:' .. sid, KEYS[2], sid, ARGV[1], ARGV[2], ARGV[3])
return {'ok'}
