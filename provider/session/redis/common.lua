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

-- revoke makes everything of a family unusable for ttl milliseconds.
local function revoke(family, ttl)
  local revoked = prefix .. 'revoked:' .. family
  redis.call('SET', revoked, cjson.encode({ v = 1, key = revoked }), 'PX', string.format('%.0f', ttl))
end

-- family_of returns the family that a refresh token leads to, with its grant
-- decoded, or nothing when it is unknown or has expired.
local function family_of(token, now)
  local record = redis.call('GET', token)
  if not record then
    return nil
  end
  local key = prefix .. 'family:' .. cjson.decode(record).value
  local fields = redis.call('HMGET', key, 'value', 'current', 'expires', 'ends')
  if not fields[1] or tonumber(fields[3]) <= tonumber(now) then
    return nil
  end
  return {
    key = key, value = fields[1], current = fields[2], expires = fields[3], ends = fields[4],
    grant = cjson.decode(fields[1]).value,
  }
end

-- note_family puts a family into the index of its user for at least ttl
-- milliseconds, and takes those out that are gone.
local function note_family(family, ttl)
  local index = prefix .. 'families'
  for _, other in ipairs(redis.call('SMEMBERS', index)) do
    if redis.call('EXISTS', prefix .. 'family:' .. other) == 0 then
      redis.call('SREM', index, other)
    end
  end
  redis.call('SADD', index, family)
  extend(index, ttl)
end

-- move notes that a session was used, and keeps what leads to it as long.
local function move(session, index, sid, seen, expires, ttl)
  redis.call('HSET', session, 'seen', seen, 'expires', expires)
  redis.call('ZADD', index, expires, sid)
  extend(session, ttl)
  extend(prefix .. 'cookie:' .. redis.call('HGET', session, 'handle'), ttl)
  extend(index, ttl)
end

-- write keeps the record of a session and the cookie that leads to it.
-- KEYS: session, cookie, index
-- ARGV: sid, handle, seen, expires, ttl, record of the session, record of the cookie
local function write()
  redis.call('HSET', KEYS[1], 'value', ARGV[6], 'handle', ARGV[2])
  redis.call('SET', KEYS[2], ARGV[7], 'PX', ARGV[5])
  move(KEYS[1], KEYS[3], ARGV[1], ARGV[3], ARGV[4], ARGV[5])
end

