-- Puts claimed jobs back to the front of their queue, unchanged: the last entry will be the next job.
-- KEYS: registry index, registry, claims, facts, suspects, queues
-- ARGV: process, then for each entry: number, member
-- Gives for each entry the jid of the job that was put back, or nothing where the claim is gone; for
-- the first ones only, when those are of many bytes.
local index, registry, claims, facts, suspects = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local queues = KEYS[6]
local process = ARGV[1]

expect(index, 'zset')
expect(registry, 'hash')
expect(claims, 'hash')
expect(facts, 'hash')
expect(suspects, 'hash')
expect(queues, 'set')

local found = {}
for at = 2, #ARGV, 2 do
  local claim = standing(facts, registry, process, ARGV[at + 1], ARGV[at])
  if claim then expect('queue:' .. claim.queue, 'list') end
  found[#found + 1] = claim or false
end

local settled, moved_bytes = {}, 0
local suspect = redis.call('HGET', suspects, process)
for i, claim in ipairs(found) do
  if moved_bytes >= MOST_BYTES then break end
  local member = ARGV[1 + i * 2]
  -- The same entry may come twice.
  local bytes = claim and redis.call('HGET', claims, member)
  if bytes then
    moved_bytes = moved_bytes + #bytes
    redis.call('SADD', queues, claim.queue)
    redis.call('RPUSH', 'queue:' .. claim.queue, bytes)
    if suspect == claim.jid then redis.call('HDEL', suspects, process) end
    redis.call('HDEL', claims, member)
    redis.call('HDEL', facts, member)
    redis.call('ZREM', index, member)
    redis.call('HDEL', registry, member)
    settled[#settled + 1] = claim.jid
  else
    settled[#settled + 1] = false
  end
end
if redis.call('HLEN', facts) == 0 then redis.call('HDEL', registry, process) end
return settled
