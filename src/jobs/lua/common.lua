-- Put before each script. Keys and JSON are described in docs/protocol.md. Only commands of Redis 6.2.
-- A script that fails half way is not rolled back: types and numbers are checked before the first write.

local REQUEST_CLASS = 'PatientHttp::Sidekiq::RequestWorker'
local CALLBACK_CLASS = 'PatientHttp::Sidekiq::CallbackWorker'
local HOUR = 3600000
-- A step that moves so many bytes of jobs leaves the rest to the next one: nobody else is served
-- meanwhile.
local MOST_BYTES = 8 * 1024 * 1024

local function expect(key, wanted)
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= wanted then
    error(key .. ' holds a ' .. found .. ', not a ' .. wanted)
  end
end

-- As types: an argument that is no number would fail between two writes.
local function expect_number(text)
  if not string.find(text or '', '^%-?%d+%.?%d*$') then
    error('"' .. tostring(text) .. '" is not a number')
  end
end

-- Milliseconds since 1970 by the clock of Redis.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Calls command(key, prefix..., items...) with as many items as Lua can pass at once.
local function call_with_all(command, key, items)
  local at = 1
  while at <= #items do
    local last = math.min(at + 999, #items)
    redis.call(command, key, unpack(items, at, last))
    at = last + 1
  end
end

-- The values of fields of a hash, false where there is none.
local function values_of(key, fields)
  local values = {}
  for at = 1, #fields, 1000 do
    local found = redis.call('HMGET', key, unpack(fields, at, math.min(at + 999, #fields)))
    for i = 1, #found do values[at - 1 + i] = found[i] end
  end
  return values
end

local function raise_ttl(key, seconds)
  if redis.call('TTL', key) < seconds then redis.call('EXPIRE', key, seconds) end
end

-- Whether the text may be a job of that class, and the job when it is.
local function decode(bytes)
  local ok, job = pcall(cjson.decode, bytes)
  if ok and type(job) == 'table' then return job end
  return nil
end
local function names(bytes, class)
  return string.find(bytes, class, 1, true) ~= nil
end
local function text_or_nil(value)
  if type(value) == 'string' and value ~= '' then return value end
  return nil
end
-- The jid as it stands in facts, which are lines. A job without one goes by its bytes.
local function jid_of(job, bytes)
  local jid = text_or_nil(job.jid)
  if not jid then return redis.sha1hex(bytes) end
  return string.find(jid, '%c') and string.gsub(jid, '%c', '?') or jid
end

-- "<store>/<key>" of the payload that a decoded job refers to, or nil.
local function payload_of(job)
  local data = type(job.args) == 'table' and job.args[1]
  local reference = type(data) == 'table' and data['$ref']
  if type(reference) ~= 'table' then return nil end
  if not text_or_nil(reference.store) or not text_or_nil(reference.key) then return nil end
  local payload = reference.store .. '/' .. reference.key
  if string.find(payload, '%c') then return nil end
  return payload
end
local function payload_in(bytes)
  if not names(bytes, '"$ref"') then return nil end
  local job = decode(bytes)
  return job and payload_of(job)
end

-- A claim's facts, one per line: its number, the queue that the job came from, the job's jid, and
-- the payload that it refers to.
local function to_facts(number, queue, jid, payload)
  return number .. '\n' .. queue .. '\n' .. jid .. '\n' .. (payload or '')
end
local function from_facts(text)
  local number, queue, jid, payload = string.match(text, '^(%d+)\n([^\n]*)\n([^\n]*)\n([^\n]*)$')
  return {number = number, queue = queue, jid = jid, payload = payload ~= '' and payload or nil}
end

-- The facts of a claim that stands, or nil; from their text, or from where they are kept. A Ruby
-- process that takes a request over removes it from the registry of the gem. That registry may also
-- have expired, or have been deleted: the mark of a process in it says that all claims of that
-- process were entered.
local function standing_in(text, registry, process, member, number)
  if not text then return nil end
  local facts = from_facts(text)
  if number and facts.number ~= number then return nil end
  if redis.call('HEXISTS', registry, member) == 0 and
      redis.call('HEXISTS', registry, process) == 1 then
    return nil
  end
  return facts
end
local function standing(facts_key, registry, process, member, number)
  return standing_in(redis.call('HGET', facts_key, member), registry, process, member, number)
end

-- When the registry is new, or was lost: lists all claims of a process and its mark for it, to be
-- entered by ZADD `scores` and HSET `jobs`.
local function list_claims(claims, process, score, scores, jobs)
  local all = redis.call('HGETALL', claims)
  for i = 1, #all, 2 do
    scores[#scores + 1] = score
    scores[#scores + 1] = all[i]
    jobs[#jobs + 1] = all[i]
    jobs[#jobs + 1] = all[i + 1]
  end
  jobs[#jobs + 1] = process
  jobs[#jobs + 1] = '1'
end

-- Times at which a job was taken from a dead process: the last ten, as text.
local function add_rescue(key, jid, now)
  local times = {}
  for time in string.gmatch(redis.call('HGET', key, jid) or '', '%d+') do
    times[#times + 1] = time
  end
  times[#times + 1] = string.format('%d', now)
  while #times > 10 do table.remove(times, 1) end
  redis.call('HSET', key, jid, table.concat(times, ' '))
  redis.call('EXPIRE', key, 86400)
end
local function count_rescues(key, jid)
  local times = {}
  for time in string.gmatch(redis.call('HGET', key, jid) or '', '%d+') do
    times[#times + 1] = tonumber(time)
  end
  local count = 0
  for _, time in ipairs(times) do
    if time > times[#times] - HOUR then count = count + 1 end
  end
  return count
end

-- A job on its way into a sorted set, with the queue that it came from when it names none: what is
-- there must say where it goes back to. Of a doubled key the last one counts.
local function with_queue(bytes, queue)
  local job = decode(bytes)
  local object = job and not text_or_nil(job.queue) and string.match(bytes, '^(%s*{.*[^%s{])%s*}%s*$')
  return object and object .. ',"queue":' .. cjson.encode(queue) .. '}' or bytes
end

-- A job that died, with the fields in which Sidekiq keeps why; what is no JSON stays as it is.
local function with_reason(bytes, reason, seconds)
  local job = decode(bytes)
  if not job or job.error_message ~= nil then return bytes end
  local object = string.match(bytes, '^(%s*{.*[^%s{])%s*}%s*$')
  if not object then return bytes end
  return object .. ',"error_message":' .. cjson.encode(reason) ..
         ',"error_class":"PatientHttp::UnrunnableJobError","failed_at":' ..
         string.format('%.6f', seconds) .. '}'
end

-- As Sidekiq: at most 10,000, and 180 days.
local function bury(key, bytes, seconds)
  redis.call('ZADD', key, seconds, bytes)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', tonumber(seconds) - 15552000)
  redis.call('ZREMRANGEBYRANK', key, 0, -10000)
end

-- A payload that was announced and will not be used, or was used and is not any more.
local function drop_announced(announced, unneeded, payload)
  if payload ~= '' and redis.call('SREM', announced, payload) == 1 then
    redis.call('ZADD', unneeded, 0, payload)
  end
end

-- A job has ended for good: its jid may be pushed again.
local function forget_pushed(jid, is_callback)
  if not is_callback then
    redis.call('DEL', 'patient_http:pushed:' .. jid)
    return
  end
  local of = 'patient_http:callback_of:' .. jid
  local request_jid = redis.call('GET', of)
  if request_jid then redis.call('DEL', of, 'patient_http:pushed:' .. request_jid) end
end

