-- Moves entries of a sorted set (schedule, retry, dead) to the back of the queues that they name.
-- KEYS: sorted set, queues, then the queues
-- ARGV: number of queues, their names, then for each entry: its bytes, the bytes to push, which queue
-- Gives 1 for each entry that was there.
local set, queues = KEYS[1], KEYS[2]
local queue_count = tonumber(ARGV[1])

expect(set, 'zset')
expect(queues, 'set')
for i = 3, #KEYS do expect(KEYS[i], 'list') end
for at = 2 + queue_count, #ARGV, 3 do expect_number(ARGV[at + 2]) end

local moved = {}
for at = 2 + queue_count, #ARGV, 3 do
  local found = redis.call('ZREM', set, ARGV[at])
  if found == 1 then
    local queue = tonumber(ARGV[at + 2])
    redis.call('SADD', queues, ARGV[1 + queue])
    redis.call('LPUSH', KEYS[2 + queue], ARGV[at + 1])
  end
  moved[#moved + 1] = found
end
return moved
