-- Finds jobs of ours among those of a sorted set that are due. All others stay here: there may be
-- many of them, they may be large, and every process looks again and again.
-- KEYS: sorted set
-- ARGV: until when in seconds, how many of those that are due are passed over (below 0: all but so
--       many), how many entries are looked at at most, and after how many bytes no further ones
-- Gives: how many were looked at, how many bytes they have, 1 when there are more, and what is ours.
local PAGE = 50
expect(KEYS[1], 'zset')
local due = redis.call('ZCOUNT', KEYS[1], '-inf', ARGV[1])
local at, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[4])
if at < 0 then at = math.max(due + at, 0) end
local last = math.min(due, at + tonumber(ARGV[3]))

local function is_set(value) return value ~= nil and value ~= cjson.null end
local function may_be_ours(bytes)
  if not names(bytes, REQUEST_CLASS) and not names(bytes, CALLBACK_CLASS) then return false end
  local job = decode(bytes)
  if not job then return true end  -- the caller reads more than cjson does
  return (job.class == REQUEST_CLASS or job.class == CALLBACK_CLASS) and
         not is_set(job.bid) and not is_set(job.encrypt)
end

local reply = {0, 0, 0}
local looked, bytes = 0, 0
while at < last and bytes < most_bytes do
  local page = redis.call('ZRANGE', KEYS[1], at, math.min(at + PAGE, last) - 1)
  for _, entry in ipairs(page) do
    bytes = bytes + #entry
    if may_be_ours(entry) then reply[#reply + 1] = entry end
  end
  looked = looked + #page
  at = at + PAGE
end
reply[1], reply[2], reply[3] = looked, bytes, at < due and 1 or 0
return reply
