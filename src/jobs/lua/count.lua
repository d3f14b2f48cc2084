-- How many jobs are in which state.
-- KEYS: processes, schedule, retry, dead, queue of our callbacks, then the queues of requests
-- ARGV: how many entries of a sorted set are looked at
-- Gives: ready, in flight, scheduled, callbacks waiting, running and scheduled, dead.
local ready, in_flight, running = 0, 0, 0
for i = 6, #KEYS do ready = ready + redis.call('LLEN', KEYS[i]) end
for _, process in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  in_flight = in_flight + redis.call('HLEN', 'patient_http:claims:' .. process)
  running = running + redis.call('HLEN', 'patient_http:callbacks:' .. process)
end
local function count(key)
  local requests, callbacks = 0, 0
  for from = 0, tonumber(ARGV[1]) - 1, 1000 do
    local page = redis.call('ZRANGE', key, from, from + 999)
    for _, bytes in ipairs(page) do
      -- A text may name both: the callback of a request, the class of a request's own fields.
      if names(bytes, '"class":"' .. CALLBACK_CLASS .. '"') then
        callbacks = callbacks + 1
      elseif names(bytes, REQUEST_CLASS) then
        requests = requests + 1
      end
    end
    if #page < 1000 then break end
  end
  return requests, callbacks
end
local scheduled, scheduled_callbacks = count(KEYS[2])
local retried, retried_callbacks = count(KEYS[3])
local dead, dead_callbacks = count(KEYS[4])
return {ready, in_flight, scheduled + retried, redis.call('LLEN', KEYS[5]), running,
        scheduled_callbacks + retried_callbacks, dead + dead_callbacks}
