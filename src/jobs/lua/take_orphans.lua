-- What the gem does with Ruby processes that died: forgets them, and puts their requests back into
-- their queues.
-- KEYS: registry index, registry, the gem's processes, processes, queues, dead, gc_lock
-- ARGV: who holds the lock, orphan_threshold in ms, most, prefix of the gem's signs of life, and the
--       latest time of Redis at which the caller's clock and that of Redis agree
-- Gives: how many requests were put back, how many processes were forgotten, and 1 when there is more.
local index, registry, gem_processes, processes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local queues, dead = KEYS[5], KEYS[6]
local most, prefix = tonumber(ARGV[3]), ARGV[4]
local SIGN_OF_LIFE = ':max_connections'

if redis.call('GET', KEYS[7]) ~= ARGV[1] or now_ms() > tonumber(ARGV[5]) then return {0, 0, 0} end
expect(index, 'zset')
expect(registry, 'hash')
expect(gem_processes, 'set')
expect(processes, 'set')
expect(queues, 'set')
expect(dead, 'zset')

local function lives(process)
  -- Ours are rescued by their lease.
  return redis.call('EXISTS', prefix .. process .. SIGN_OF_LIFE) == 1 or
         redis.call('SISMEMBER', processes, process) == 1
end

local forgotten = 0
for _, process in ipairs(redis.call('SMEMBERS', gem_processes)) do
  if not lives(process) then
    forgotten = forgotten + redis.call('SREM', gem_processes, process)
  end
end

local now = now_ms()
local moved, moved_bytes = 0, 0
local before = string.format('%d', now - tonumber(ARGV[2]))
local old = redis.call('ZRANGEBYSCORE', index, '-inf', before, 'LIMIT', 0, 10000)
for _, member in ipairs(old) do
  if moved >= most or moved_bytes >= MOST_BYTES then return {moved, forgotten, 1} end
  local process = string.match(member, '^(.-)/') or member
  if not lives(process) then
    local bytes = redis.call('HGET', registry, member)
    local job = bytes and decode(bytes)
    local queue = job and text_or_nil(job.queue)
    local kind = queue and redis.call('TYPE', 'queue:' .. queue).ok
    if kind == nil or kind == 'none' or kind == 'list' then
      redis.call('ZREM', index, member)
      redis.call('HDEL', registry, member)
      if queue then
        redis.call('SADD', queues, queue)
        redis.call('LPUSH', 'queue:' .. queue, bytes)
        moved_bytes = moved_bytes + #bytes
      elseif bytes then
        bury(dead, bytes, now / 1000)
      end
      moved = moved + 1
    end
  end
end
return {moved, forgotten, 0}
