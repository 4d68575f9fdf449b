-- Returns the family of a refresh token: the record of its grant, the hash of
-- its live token, expires, ends.
-- KEYS: refresh token
-- ARGV: now
local family = family_of(KEYS[1], ARGV[1])
if not family or not alive(family.grant, ARGV[1]) then
  return {'missing'}
end
return {'ok', family.value, family.current, family.expires, family.ends}
