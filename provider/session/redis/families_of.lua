-- Returns of each family of a user that lives: the record of its grant, expires, ends.
-- KEYS: index
-- ARGV: now
local families = {}
for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local fields = redis.call('HMGET', prefix .. 'family:' .. id, 'value', 'expires', 'ends')
  if fields[1] and tonumber(fields[2]) > tonumber(ARGV[1]) and alive(cjson.decode(fields[1]).value, ARGV[1]) then
    table.insert(families, fields)
  end
end
return families
