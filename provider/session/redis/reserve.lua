-- Counts a try if the window has room. Returns whether it had (1 or 0), the
-- tries left, and the milliseconds until the window ends.
-- KEYS: throttle
-- ARGV: now, limit, window, slack
local now, limit = tonumber(ARGV[1]), tonumber(ARGV[2])

local record = redis.call('GET', KEYS[1])
local window = record and cjson.decode(record)
if not window or window.expires <= now then
  window = { v = 1, key = KEYS[1], expires = now + tonumber(ARGV[3]), count = 0 }
end
local left = window.expires - now
if window.count >= limit then
  return {0, 0, left}
end
window.count = window.count + 1
redis.call('SET', KEYS[1], cjson.encode(window), 'PX', left + tonumber(ARGV[4]))
return {1, limit - window.count, left}
