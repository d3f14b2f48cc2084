-- A process ends in order. What it holds still, if anything, is left to rescue, at once.
-- KEYS: lease, processes, the gem's processes, the gem's sign of life, claims, callbacks running,
--       announced, unneeded, status
-- ARGV: process
redis.call('DEL', KEYS[1], KEYS[4], KEYS[9])
redis.call('SREM', KEYS[3], ARGV[1])
if redis.call('HLEN', KEYS[5]) > 0 or redis.call('HLEN', KEYS[6]) > 0 then return 0 end
for _, payload in ipairs(redis.call('SMEMBERS', KEYS[7])) do
  redis.call('ZADD', KEYS[8], 0, payload)
end
redis.call('DEL', KEYS[7])
redis.call('SREM', KEYS[2], ARGV[1])
return 1
