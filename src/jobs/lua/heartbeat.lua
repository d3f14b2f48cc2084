-- Says that a process lives, and how it is.
-- KEYS: lease, processes, the gem's processes, the gem's sign of life, claims, registry index, registry,
--       status
-- ARGV: process, lease in ms, capacity, lifetime of the gem's sign of life in ms, time to live of the
--       gem's keys in seconds, 1 to renew the times of the claims too,
--       time to live of the status in seconds, then its fields and values, if any
-- Gives 1 when the lease had not ended, and the time of Redis in ms.
local index, registry, claims, status = KEYS[6], KEYS[7], KEYS[5], KEYS[8]
local process, ttl = ARGV[1], tonumber(ARGV[5])

expect(KEYS[2], 'set')
expect(KEYS[3], 'set')
expect(claims, 'hash')
expect(index, 'zset')
expect(registry, 'hash')
expect(status, 'hash')

local was_alive = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], '1', 'PX', ARGV[2])
redis.call('SADD', KEYS[2], process)
redis.call('SADD', KEYS[3], process)
raise_ttl(KEYS[3], ttl)
redis.call('SET', KEYS[4], ARGV[3], 'PX', ARGV[4])

local now = now_ms()
if #ARGV > 7 then
  redis.call('HSET', status, 'beat', math.floor(now / 1000), unpack(ARGV, 8))
  redis.call('EXPIRE', status, ARGV[7])
end
if redis.call('HLEN', claims) > 0 then
  local scores = {}
  if redis.call('HEXISTS', registry, process) == 0 then
    local jobs = {}
    list_claims(claims, process, now, scores, jobs)
    call_with_all('HSET', registry, jobs)
  elseif ARGV[6] == '1' then
    for _, member in ipairs(redis.call('HKEYS', claims)) do
      -- Those that a Ruby process took stay out.
      if redis.call('HEXISTS', registry, member) == 1 then
        scores[#scores + 1] = now
        scores[#scores + 1] = member
      end
    end
  end
  call_with_all('ZADD', index, scores)
  raise_ttl(index, ttl)
  raise_ttl(registry, ttl)
end
return {was_alive, now}
