-- Lets a new refresh token take the place of the live one and returns the record
-- of the grant. One that was rotated before revokes its family.
-- KEYS: old refresh token, new refresh token
-- ARGV: now, client id, hash of the old, hash of the new, idle end of the new, slack
local now, client, old, new, idle_end, slack = unpack(ARGV)

local family = family_of(KEYS[1], now)
if not family then
  return {'missing'}
end
if family.grant.client_id ~= client then
  return {'mismatch'}
end
local left = family.ends - now + slack
if family.current ~= old then
  revoke(family.grant.family, left)
  return {'replayed'}
end
if not alive(family.grant, now) then
  return {'missing'}
end

local expires = math.min(tonumber(idle_end), tonumber(family.ends))
redis.call('HSET', family.key, 'current', new, 'expires', string.format('%.0f', expires))
local ttl = string.format('%.0f', expires - now + slack)
redis.call('PEXPIRE', family.key, ttl)
note_family(family.grant.family, ttl)
redis.call('SET', KEYS[2], cjson.encode({
  v = 1,
  key = KEYS[2],
  expires = tonumber(family.ends),
  value = family.grant.family,
}), 'PX', string.format('%.0f', left))
return {'ok', family.value}
