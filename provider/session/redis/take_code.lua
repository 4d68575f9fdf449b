-- Takes a code if what the client sent agrees with it, and returns its record.
-- A code that is taken again by its client revokes its family.
-- KEYS: code
-- ARGV: now, client id, redirect URI, challenge, end of the tombstone, its ttl
local now, client, redirect_uri, challenge, tombstone, ttl = unpack(ARGV)

local record = redis.call('GET', KEYS[1])
if not record then
  return {'missing'}
end
local code = cjson.decode(record)
local grant = code.value.grant
if code.expires <= tonumber(now) then
  return {'missing'}
end

if code.taken then
  if grant.client_id ~= client then
    return {'mismatch'}
  end
  revoke(grant.family, ttl)
  return {'replayed'}
end

if not alive(grant, now) then
  return {'missing'}
end
if grant.client_id ~= client or code.value.redirect_uri ~= redirect_uri
  or (code.value.code_challenge or '') ~= challenge then
  return {'mismatch'}
end

redis.call('SET', KEYS[1], cjson.encode({
  v = 1,
  key = KEYS[1],
  expires = tonumber(tombstone),
  taken = true,
  value = { grant = { client_id = grant.client_id, family = grant.family } },
}), 'PX', ttl)
return {'ok', record}
