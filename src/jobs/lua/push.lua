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

for at = 3 + note_count * 2, #ARGV, ENTRY do
  if ARGV[at + 2] ~= '' then expect_number(ARGV[at + 2]) end
  expect_number(ARGV[at + 3])
end

local ready, marks, seen = {}, {}, {}
for at = 3 + note_count * 2, #ARGV, ENTRY do
  local bytes, at_time, payload = ARGV[at + 1], ARGV[at + 2], ARGV[at + 4]
  local mark = 'patient_http:pushed:' .. ARGV[at]
  if not seen[mark] and redis.call('EXISTS', mark) == 0 then
    seen[mark] = true
    if at_time ~= '' then
      redis.call('ZADD', schedule, at_time, bytes)
    else
      ready[#ready + 1] = bytes
    end
    marks[#marks + 1] = {key = mark, seconds = ARGV[at + 3]}
    if payload ~= '' then redis.call('SREM', announced, payload) end
  else
    drop_announced(announced, unneeded, payload)
  end
end
if #marks > 0 then redis.call('SADD', queues, ARGV[1]) end
call_with_all('LPUSH', queue, ready)
-- After the jobs: a job that is known and nowhere would be lost.
for _, mark in ipairs(marks) do redis.call('SET', mark.key, '1', 'EX', mark.seconds) end
for i = 3, 2 + note_count * 2, 2 do redis.call('HSET', notes, ARGV[i], ARGV[i + 1]) end
return #marks
