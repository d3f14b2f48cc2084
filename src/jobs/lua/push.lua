-- Puts new jobs to the back of a queue, or into the schedule, and keeps notes.
-- KEYS: queue, schedule, queues, notes, announced, unneeded
-- ARGV: name of the queue, number of notes, their keys and values, then for each job: jid, bytes, time in
--       seconds or nothing, how long its jid is remembered in seconds, payload or nothing
-- Gives how many jobs were new.
local queue, schedule, queues, notes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local announced, unneeded = KEYS[5], KEYS[6]
local ENTRY = 5
local note_count = tonumber(ARGV[2])

expect(queue, 'list')
expect(schedule, 'zset')
expect(queues, 'set')
expect(notes, 'hash')
expect(announced, 'set')
expect(unneeded, 'zset')

local ready, added = {}, 0
for at = 3 + note_count * 2, #ARGV, ENTRY do
  local jid, bytes, at_time, payload = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 4]
  if redis.call('SET', 'patient_http:pushed:' .. jid, '1', 'NX', 'EX', ARGV[at + 3]) then
    added = added + 1
    if at_time ~= '' then
      redis.call('ZADD', schedule, at_time, bytes)
    else
      ready[#ready + 1] = bytes
    end
    if payload ~= '' then redis.call('SREM', announced, payload) end
  else
    drop_announced(announced, unneeded, payload)
  end
end
if added > 0 then redis.call('SADD', queues, ARGV[1]) end
call_with_all('LPUSH', queue, ready)
for i = 3, 2 + note_count * 2, 2 do redis.call('HSET', notes, ARGV[i], ARGV[i + 1]) end
return added
