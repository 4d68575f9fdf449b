-- Returns the fields of each session of a user that has not expired.
-- KEYS: index
-- ARGV: now
local sessions = {}
for _, sid in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf')) do
  local fields = redis.call('HGETALL', prefix .. 'session:' .. sid)
  if #fields > 0 then
    table.insert(sessions, fields)
  end
end
return sessions
