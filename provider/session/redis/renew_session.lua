-- Writes a session that lives under another handle. The cookie before is dead
-- afterwards; the applications stay.
-- KEYS, ARGV: as write has them, then the handle before
local before = ARGV[8]
if redis.call('HGET', KEYS[1], 'handle') ~= before or not lives(ARGV[1], ARGV[3]) then
  return {'missing'}
end
redis.call('DEL', prefix .. 'cookie:' .. before)
write()
return {'ok'}
