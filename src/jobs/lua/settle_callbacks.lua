-- Ends the running of callbacks, and keeps notes.
-- KEYS: callbacks running, queue, queues, retry, dead, unneeded, notes, rescues
-- ARGV: name of the queue, now in seconds, number of notes, their keys and values, then for each
--       entry: number, jid, what becomes of it (finish, release, retry or dead), new bytes or nothing,
--       the time of the next try in seconds, and why
-- Gives 1 for each entry that was done, 0 where it is gone.
local running, queue, queues, retry, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local unneeded, notes, rescues = KEYS[6], KEYS[7], KEYS[8]
local ENTRY = 6
local note_count = tonumber(ARGV[3])

expect(running, 'hash')
expect(queue, 'list')
expect(queues, 'set')
expect(retry, 'zset')
expect(dead, 'zset')
expect(unneeded, 'zset')
expect(notes, 'hash')
expect(rescues, 'hash')
expect_number(ARGV[2])
for at = 4 + note_count * 2, #ARGV, ENTRY do
  if ARGV[at + 2] == 'retry' then expect_number(ARGV[at + 4]) end
end

local settled = {}
for at = 4 + note_count * 2, #ARGV, ENTRY do
  local number, jid, step = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local stored = redis.call('HGET', running, number)
  if stored then
    local bytes = ARGV[at + 3] ~= '' and ARGV[at + 3] or stored
    redis.call('HDEL', running, number)
    if step == 'finish' then
      local payload = payload_in(stored)
      if payload then redis.call('ZADD', unneeded, 0, payload) end
      forget_pushed(jid, true)
      redis.call('HDEL', rescues, jid)
    elseif step == 'release' then
      redis.call('SADD', queues, ARGV[1])
      redis.call('RPUSH', queue, bytes)
    elseif step == 'retry' then
      redis.call('ZADD', retry, ARGV[at + 4], with_queue(bytes, ARGV[1]))
    else
      if ARGV[at + 3] == '' then bytes = with_reason(bytes, ARGV[at + 5], ARGV[2]) end
      bury(dead, with_queue(bytes, ARGV[1]), ARGV[2])
    end
  end
  settled[#settled + 1] = stored and 1 or 0
end
for i = 4, 3 + note_count * 2, 2 do redis.call('HSET', notes, ARGV[i], ARGV[i + 1]) end
return settled
