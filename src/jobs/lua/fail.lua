-- Moves claimed jobs to the schedule, to the retries or to the dead.
-- KEYS: registry index, registry, claims, facts, suspects, schedule, retry, dead, stat:processed,
--       stat:processed:<day>, stat:failed, stat:failed:<day>, rescues, deaths
-- ARGV: process, now in seconds, then for each entry: number, member, 1 when there are new bytes, 2 when
--       there are and it has not failed, those,
--       the time of the next try in seconds, or nothing for the dead set, and why
-- Gives 1 for each entry that was done, 0 where the claim is gone.
local index, registry, claims, facts = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local suspects, schedule, retry, dead = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local ENTRY = 6
local process, now = ARGV[1], ARGV[2]

expect(index, 'zset')
expect(registry, 'hash')
expect(claims, 'hash')
expect(facts, 'hash')
expect(suspects, 'hash')
expect(schedule, 'zset')
expect(retry, 'zset')
expect(dead, 'zset')
expect(KEYS[13], 'hash')
expect(KEYS[14], 'hash')
expect_number(now)
for at = 3, #ARGV, ENTRY do
  if ARGV[at + 4] ~= '' then expect_number(ARGV[at + 4]) end
end

local settled, failures = {}, 0
local suspect = redis.call('HGET', suspects, process)
for at = 3, #ARGV, ENTRY do
  local number, member, at_time = ARGV[at], ARGV[at + 1], ARGV[at + 4]
  local has_bytes = ARGV[at + 2] ~= '0'
  local has_failed = at_time == '' or ARGV[at + 2] == '1'
  local claim = standing(facts, registry, process, member, number)
  if claim then
    local bytes = with_queue(has_bytes and ARGV[at + 3] or redis.call('HGET', claims, member), claim.queue)
    if at_time == '' then
      bury(dead, has_bytes and bytes or with_reason(bytes, ARGV[at + 5], now), now)
      -- Who brings it back by hand begins anew.
      redis.call('HDEL', KEYS[13], claim.jid)
      redis.call('HDEL', KEYS[14], claim.jid)
    else
      redis.call('ZADD', has_failed and retry or schedule, at_time, bytes)
    end
    -- What only waits its turn has not failed.
    if has_failed then failures = failures + 1 end
    if suspect == claim.jid then redis.call('HDEL', suspects, process) end
    redis.call('HDEL', claims, member)
    redis.call('HDEL', facts, member)
    redis.call('ZREM', index, member)
    redis.call('HDEL', registry, member)
    settled[#settled + 1] = 1
  else
    settled[#settled + 1] = 0
  end
end
if redis.call('HLEN', facts) == 0 then redis.call('HDEL', registry, process) end
if failures > 0 then
  for i = 9, 12 do redis.pcall('INCRBY', KEYS[i], failures) end
  redis.pcall('EXPIRE', KEYS[10], 157680000)
  redis.pcall('EXPIRE', KEYS[12], 157680000)
end
return settled
