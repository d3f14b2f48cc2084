-- Takes jobs from the front of the queues and registers them under a process.
-- KEYS: registry index, registry, claims, facts, processes, schedule, rescues, deaths, paused,
--       then the queues in the order in which they are to be emptied
-- ARGV: process, most, number of the first claim, time to live of the registry in seconds, window,
--       then for each queue its name and 1 when it is shared
-- Gives: how many jobs were put off, how many entries were left alone in each queue (-1: it is
--        paused), and then for each claim member, jid, rescues, deaths and bytes.
local index, registry, claims, facts = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local processes, schedule, rescues, deaths, paused = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRST_QUEUE = 10
-- So few are read until their size is known.
local FIRST_SLICE = 4
local process, most, number = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local ttl, window = tonumber(ARGV[4]), tonumber(ARGV[5])

expect(index, 'zset')
expect(registry, 'hash')
expect(claims, 'hash')
expect(facts, 'hash')
expect(processes, 'set')
expect(schedule, 'zset')
expect(rescues, 'hash')
expect(deaths, 'hash')
for i = FIRST_QUEUE, #KEYS do expect(KEYS[i], 'list') end

local now = now_ms()
local taken = {}     -- what is to be registered
local known = {}     -- member to jid, of this process's claims
local postponed = 0
local left_alone = {}
local taken_bytes = 0

-- What is to be done with an entry: nil to leave it alone, or {id, jid, payload}.
local function look_at(bytes, is_shared)
  local is_hinted = names(bytes, REQUEST_CLASS)
  if is_shared and not is_hinted then return nil end
  local job = decode(bytes)
  if not job then
    -- Nobody else would ever take what is broken from a queue of ours. It has no class to go by, or
    -- it is ours; the caller finds out what is wrong with it.
    if is_shared or (not is_hinted and names(bytes, '"class"')) then return nil end
    local id = redis.sha1hex(bytes)
    return {id = id, jid = id}
  end
  if job.class ~= REQUEST_CLASS then return nil end
  if (job.bid ~= nil and job.bid ~= cjson.null) or (job.encrypt ~= nil and job.encrypt ~= cjson.null) then
    return nil
  end
  local jid = jid_of(job, bytes)
  local args = type(job.args) == 'table' and job.args or {}
  return {id = text_or_nil(args[5]) or jid, jid = jid, payload = payload_of(job)}
end

-- Reads what is known of the claims under these members.
local function look_up(jobs)
  local members = {}
  for i, job in ipairs(jobs) do members[i] = job.member end
  local texts = values_of(facts, members)
  for i, member in ipairs(members) do
    if known[member] == nil then
      known[member] = texts[i] and from_facts(texts[i]).jid or false
    end
  end
end

local function take_from(key, name, is_shared)
  local wanted = most - #taken
  local picked, others, looked_at, slice = {}, 0, 0, FIRST_SLICE
  while #picked < wanted and taken_bytes < MOST_BYTES do
    -- Somebody else's jobs may lie in the way.
    local limit = is_shared and window or (others > 0 and wanted + window or wanted)
    local count = math.min(slice, limit - looked_at)
    if count <= 0 then break end
    local entries = redis.call('LRANGE', key, -looked_at - count, -looked_at - 1)
    local bytes = 1
    for i = #entries, 1, -1 do
      if #picked >= wanted or taken_bytes >= MOST_BYTES then break end
      looked_at = looked_at + 1
      bytes = bytes + #entries[i]
      local found = look_at(entries[i], is_shared)
      if found then
        found.bytes = entries[i]
        found.queue = name
        picked[#picked + 1] = found
        taken_bytes = taken_bytes + #entries[i]
      else
        others = others + 1
      end
    end
    if #entries < count then break end
    -- So many of the size of these may be had, too.
    slice = math.max(1, math.floor((MOST_BYTES - taken_bytes) * #entries / bytes))
  end
  if #picked > 0 then
    if others == 0 then
      redis.call('LTRIM', key, 0, -1 - #picked)  -- RPOP would give all their bytes once more
    else
      for _, job in ipairs(picked) do redis.call('LREM', key, -1, job.bytes) end
    end
  end
  for _, job in ipairs(picked) do job.member = process .. '/' .. job.id end
  look_up(picked)
  for _, job in ipairs(picked) do
    local other = known[job.member]
    if other and other ~= job.jid then
      -- Another job with the id of one that runs here.
      redis.call('ZADD', schedule, now / 1000 + 60, with_queue(job.bytes, name))
      postponed = postponed + 1
    else
      known[job.member] = job.jid
      taken[#taken + 1] = job
    end
  end
  return others
end

for i = FIRST_QUEUE, #KEYS do
  local at = 6 + (i - FIRST_QUEUE) * 2
  local name, is_shared = ARGV[at], ARGV[at + 1] == '1'
  local others = 0
  if redis.call('SISMEMBER', paused, name) == 1 then
    others = -1
  elseif #taken < most and taken_bytes < MOST_BYTES then
    others = take_from(KEYS[i], name, is_shared)
  end
  left_alone[#left_alone + 1] = others
end

local reply = {postponed}
for _, count in ipairs(left_alone) do reply[#reply + 1] = count end
if #taken == 0 then return reply end

redis.call('SADD', processes, process)
local scores, jobs, texts = {}, {}, {}
local score = string.format('%d', now)  -- a number would be turned into text for each entry
if redis.call('HEXISTS', registry, process) == 0 then
  list_claims(claims, process, score, scores, jobs)
end
local bytes = {}
for i, job in ipairs(taken) do
  local at, member = 2 * i, job.member
  scores[#scores + 1] = score
  scores[#scores + 1] = member
  jobs[#jobs + 1] = member
  jobs[#jobs + 1] = job.bytes
  bytes[at - 1], bytes[at] = member, job.bytes
  texts[at - 1], texts[at] = member, to_facts(string.format('%d', number), job.queue, job.jid, job.payload)
  number = number + 1
end
call_with_all('HSET', claims, bytes)
call_with_all('HSET', facts, texts)
call_with_all('ZADD', index, scores)
call_with_all('HSET', registry, jobs)
if redis.call('TTL', index) < 0 then redis.call('EXPIRE', index, ttl) end
if redis.call('TTL', registry) < 0 then redis.call('EXPIRE', registry, ttl) end

local any_rescued = redis.call('EXISTS', rescues) == 1
for _, job in ipairs(taken) do
  reply[#reply + 1] = job.member
  reply[#reply + 1] = job.jid
  reply[#reply + 1] = any_rescued and count_rescues(rescues, job.jid) or 0
  reply[#reply + 1] = any_rescued and tonumber(redis.call('HGET', deaths, job.jid) or 0) or 0
  reply[#reply + 1] = job.bytes
end
return reply
