-- Returns the record of a live access token whose grant is alive.
-- KEYS: token
-- ARGV: now
local record = redis.call('GET', KEYS[1])
if not record then
  return {'missing'}
end
local token = cjson.decode(record)
if token.expires <= tonumber(ARGV[1]) or not alive(token.value.grant, ARGV[1]) then
  return {'missing'}
end
return {'ok', record}
