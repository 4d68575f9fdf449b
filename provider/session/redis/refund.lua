-- Takes one try back. A window without tries ends.
-- KEYS: throttle
-- ARGV: now
local record = redis.call('GET', KEYS[1])
local window = record and cjson.decode(record)
if not window or window.expires <= tonumber(ARGV[1]) then
  return {'ok'}
end
if window.count <= 1 then
  redis.call('DEL', KEYS[1])
  return {'ok'}
end
window.count = window.count - 1
redis.call('SET', KEYS[1], cjson.encode(window), 'KEEPTTL')
return {'ok'}
