-- Takes what a process of ours that is dead holds, and puts it to the back of its queue.
-- KEYS: lease, claims, facts, callbacks running, announced, all of the dead process; registry index,
--       registry, processes, the gem's processes, the gem's sign of life, rescues, suspects, deaths,
--       unneeded, queues; the lease of the rescuer
-- ARGV: the dead process, most, the queue of callbacks that name none, now in ms, and the latest time
--       of Redis at which the caller's clock and that of Redis agree
-- Gives: how many jobs and callbacks were put back, how many claims a Ruby process had taken, and 1
--        when there is more.
local lease, claims, facts, running, announced = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local index, registry, processes, gem_processes = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local rescues, suspects, deaths, unneeded = KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local queues = KEYS[15]
local process, most = ARGV[1], tonumber(ARGV[2])
local DEATH_SECONDS = 86400

-- Whoever has no lease himself may be the one who is late. And when the clock of Redis has jumped,
-- leases have ended of processes that live.
if redis.call('EXISTS', lease) == 1 or redis.call('EXISTS', KEYS[16]) == 0 or
    now_ms() > tonumber(ARGV[5]) then
  return {0, 0, 0, 0}
end
expect(claims, 'hash')
expect(facts, 'hash')
expect(running, 'hash')
expect(announced, 'set')
expect(index, 'zset')
expect(registry, 'hash')
expect(processes, 'set')
expect(gem_processes, 'set')
expect(rescues, 'hash')
expect(suspects, 'hash')
expect(deaths, 'hash')
expect(unneeded, 'zset')
expect(queues, 'set')

local function by_number(a, b) return a.number < b.number end

local held = {}
local all = redis.call('HGETALL', facts)
for i = 1, #all, 2 do
  local found = from_facts(all[i + 1])
  found.member = all[i]
  found.number = tonumber(found.number)
  held[#held + 1] = found
end
table.sort(held, by_number)
for i = 1, math.min(most, #held) do expect('queue:' .. held[i].queue, 'list') end

local callbacks = {}
all = #held <= most and redis.call('HGETALL', running) or {}
for i = 1, #all, 2 do
  local job = decode(all[i + 1]) or {}
  -- The dead process's queue may be another than that of the rescuer, who cannot run its callbacks.
  local queue = text_or_nil(job.queue) or ARGV[3]
  expect('queue:' .. queue, 'list')
  callbacks[#callbacks + 1] = {
    number = tonumber(all[i]), bytes = all[i + 1], queue = queue, jid = text_or_nil(job.jid),
  }
end
table.sort(callbacks, by_number)

local now = tonumber(ARGV[4])
local suspect = redis.call('HGET', suspects, process)
local jobs, taken, moved_bytes = 0, 0, 0
for i = 1, #held do
  if i > most or moved_bytes >= MOST_BYTES then return {jobs, 0, taken, 1} end
  local claim = held[i]
  if suspect == claim.jid then
    redis.call('HINCRBY', deaths, claim.jid, 1)
    redis.call('EXPIRE', deaths, DEATH_SECONDS)
    redis.call('HDEL', suspects, process)
  end
  local bytes = redis.call('HGET', claims, claim.member)
  if bytes and standing(facts, registry, process, claim.member) then
    redis.call('SADD', queues, claim.queue)
    redis.call('LPUSH', 'queue:' .. claim.queue, bytes)
    moved_bytes = moved_bytes + #bytes
    add_rescue(rescues, claim.jid, now)
    jobs = jobs + 1
  else
    taken = taken + 1
  end
  redis.call('HDEL', claims, claim.member)
  redis.call('HDEL', facts, claim.member)
  redis.call('ZREM', index, claim.member)
  redis.call('HDEL', registry, claim.member)
end

for _, callback in ipairs(callbacks) do
  redis.call('SADD', queues, callback.queue)
  redis.call('LPUSH', 'queue:' .. callback.queue, callback.bytes)
  if callback.jid then add_rescue(rescues, callback.jid, now) end
end

for _, payload in ipairs(redis.call('SMEMBERS', announced)) do
  redis.call('ZADD', unneeded, 0, payload)
end
redis.call('DEL', claims, facts, running, announced, KEYS[10])
redis.call('HDEL', registry, process)
redis.call('HDEL', suspects, process)
redis.call('SREM', processes, process)
redis.call('SREM', gem_processes, process)
return {jobs, #callbacks, taken, 0}
