-- Ends claims whose requests have an outcome, and pushes their callback jobs.
-- KEYS: registry index, registry, claims, facts, announced, unneeded, suspects, deaths, rescues, totals,
--       queues, stat:processed, stat:processed:<day>, then the queues of the callback jobs
-- ARGV: process, number of queues, their names, then for each entry: number, member, jid of the
--       callback, its bytes, which queue (counted from 1), 1 when we run it, duration, HTTP status,
--       type of the error, payload; empty where there is none
-- Gives 1 for each entry that was done, 0 where the claim is gone.
local index, registry, claims, facts = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local announced, unneeded, suspects, deaths = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local rescues, totals, queues = KEYS[9], KEYS[10], KEYS[11]
local FIRST_QUEUE = 14
local ENTRY = 10
local PUSHED_SECONDS = 86400
local process, queue_count = ARGV[1], tonumber(ARGV[2])

expect(index, 'zset')
expect(registry, 'hash')
expect(claims, 'hash')
expect(facts, 'hash')
expect(announced, 'set')
expect(unneeded, 'zset')
expect(suspects, 'hash')
expect(deaths, 'hash')
expect(rescues, 'hash')
expect(queues, 'set')
for i = FIRST_QUEUE, #KEYS do expect(KEYS[i], 'list') end
for at = 3 + queue_count, #ARGV, ENTRY do
  expect_number(ARGV[at + 4])
  expect_number(ARGV[at + 6])
end

local settled, members, pushes = {}, {}, {}
local statistics = {}
local duration = 0
local function count(field) statistics[field] = (statistics[field] or 0) + 1 end

local suspect = redis.call('HGET', suspects, process)
local any_rescued = redis.call('EXISTS', rescues, deaths) > 0
local named = {}
for at = 3 + queue_count, #ARGV, ENTRY do named[#named + 1] = ARGV[at + 1] end
local texts = values_of(facts, named)
local seen = {}
for at = 3 + queue_count, #ARGV, ENTRY do
  local number, member, callback_jid, bytes = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local queue, is_ours = tonumber(ARGV[at + 4]), ARGV[at + 5] == '1'
  local payload = ARGV[at + 9]
  local claim = not seen[member] and standing_in(texts[#settled + 1], registry, process, member, number)
  if claim then
    seen[member] = true
    members[#members + 1] = member
    pushes[queue] = pushes[queue] or {}
    pushes[queue][#pushes[queue] + 1] = bytes
    if payload ~= '' then redis.call('SREM', announced, payload) end
    if claim.payload then redis.call('ZADD', unneeded, 0, claim.payload) end
    if suspect == claim.jid then redis.call('HDEL', suspects, process) end
    if any_rescued then
      redis.call('HDEL', rescues, claim.jid)
      redis.call('HDEL', deaths, claim.jid)
    end
    if is_ours and redis.call('EXISTS', 'patient_http:pushed:' .. claim.jid) == 1 then
      -- Its request is known until its callback has ended.
      redis.call('SET', 'patient_http:callback_of:' .. callback_jid, claim.jid, 'EX', PUSHED_SECONDS)
    end
    duration = duration + tonumber(ARGV[at + 6])
    if ARGV[at + 7] ~= '' then count('http_status:' .. ARGV[at + 7]) end
    if ARGV[at + 8] ~= '' then
      count('errors')
      count('errors:' .. ARGV[at + 8])
    end
    settled[#settled + 1] = 1
  else
    drop_announced(announced, unneeded, payload)
    settled[#settled + 1] = 0
  end
end
if #members == 0 then return settled end

for queue, jobs in pairs(pushes) do
  redis.call('SADD', queues, ARGV[2 + queue])
  call_with_all('LPUSH', KEYS[FIRST_QUEUE + queue - 1], jobs)
end
call_with_all('HDEL', claims, members)
call_with_all('HDEL', facts, members)
call_with_all('ZREM', index, members)
call_with_all('HDEL', registry, members)
if redis.call('HLEN', facts) == 0 then redis.call('HDEL', registry, process) end

-- Last, and whatever they come to: a broken counter must not keep results.
statistics.requests = #members
for field, value in pairs(statistics) do redis.pcall('HINCRBY', totals, field, value) end
redis.pcall('HINCRBYFLOAT', totals, 'duration', string.format('%.9f', duration))
redis.pcall('EXPIRE', totals, 2592000)
redis.pcall('INCRBY', KEYS[12], #members)
redis.pcall('INCRBY', KEYS[13], #members)
redis.pcall('EXPIRE', KEYS[13], 157680000)
return settled
