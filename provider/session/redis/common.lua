-- What every script begins with. KEYS[1] is a key of the user (or of a
-- throttle); keys that only its record leads to have the same prefix and so
-- live in the same Cluster slot.
--
-- Records are never decoded and encoded again as a whole: cjson turns an
-- empty array into an object. ARGV has Unix milliseconds for times.
local prefix = KEYS[1]:match('^einlass:{[^}]*}:')

-- extend makes a key live at least ttl milliseconds from now.
local function extend(key, ttl)
  if redis.call('PTTL', key) < tonumber(ttl) then
    redis.call('PEXPIRE', key, ttl)
  end
end

-- lives reports whether a user's session exists and has not expired.
local function lives(sid, now)
  local expires = redis.call('HGET', prefix .. 'session:' .. sid, 'expires')
  return expires and tonumber(expires) > tonumber(now)
end

-- alive reports whether the family of a grant is not revoked and its session
-- lives. An offline grant needs no session.
local function alive(grant, now)
  if redis.call('EXISTS', prefix .. 'revoked:' .. grant.family) == 1 then
    return false
  end
  return grant.offline or lives(grant.sid, now)
end

-- move notes that a session was used, and keeps what leads to it as long.
local function move(session, index, sid, seen, expires, ttl)
  redis.call('HSET', session, 'seen', seen, 'expires', expires)
  redis.call('ZADD', index, expires, sid)
  extend(session, ttl)
  extend(prefix .. 'cookie:' .. redis.call('HGET', session, 'handle'), ttl)
  extend(index, ttl)
end

