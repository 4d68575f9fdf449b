-- Deletes a session, unless it has an application nobody reckoned with. Returns
-- the fields it had, or has.
-- KEYS: session, index
-- ARGV: sid, applications reckoned with…
local fields = redis.call('HGETALL', KEYS[1])
if #fields == 0 then
  redis.call('ZREM', KEYS[2], ARGV[1])
  return {'missing'}
end

local told = {}
for i = 2, #ARGV do
  told['application:' .. ARGV[i]] = true
end
for i = 1, #fields, 2 do
  if fields[i]:sub(1, 12) == 'application:' and not told[fields[i]] then
    table.insert(fields, 1, 'untold')
    return fields
  end
end

redis.call('DEL', KEYS[1], prefix .. 'cookie:' .. redis.call('HGET', KEYS[1], 'handle'))
redis.call('ZREM', KEYS[2], ARGV[1])
table.insert(fields, 1, 'ok')
return fields
