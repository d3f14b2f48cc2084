-- Deletes dead jobs.
-- KEYS: dead, unneeded
-- ARGV: for each entry: its bytes, its jid, 1 when it is a callback
-- Gives how many were there.
expect(KEYS[1], 'zset')
expect(KEYS[2], 'zset')
local deleted = 0
for at = 1, #ARGV, 3 do
  local bytes, jid = ARGV[at], ARGV[at + 1]
  if redis.call('ZREM', KEYS[1], bytes) == 1 then
    deleted = deleted + 1
    local payload = payload_in(bytes)
    if payload then redis.call('ZADD', KEYS[2], 0, payload) end
    forget_pushed(jid, ARGV[at + 2] == '1')
  end
end
return deleted
