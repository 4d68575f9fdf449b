-- Returns the fields of the session a cookie leads to, none without one.
-- KEYS: cookie
local cookie = redis.call('GET', KEYS[1])
if not cookie then
  return {}
end
return redis.call('HGETALL', prefix .. 'session:' .. cjson.decode(cookie).value)
