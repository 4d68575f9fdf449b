-- Takes one try back.
-- KEYS: throttle
-- ARGV: now
local record = redis.call('GET', KEYS[1])
local window = record and cjson.decode(record)
if window and window.expires > tonumber(ARGV[1]) and window.count > 0 then
  window.count = window.count - 1
  redis.call('SET', KEYS[1], cjson.encode(window), 'KEEPTTL')
end
return {'ok'}
