-- A process ends in order. What it holds still, if anything, is left to rescue: at once, or, when it
-- has left results of its claims in a spool, after a time in which another start can hand them over.
-- KEYS: lease, processes, the gem's processes, the gem's sign of life, claims, callbacks running,
--       announced, unneeded, status
-- ARGV: process, how long its claims are kept in ms (0: not), what its lease holds meanwhile
local kept = tonumber(ARGV[2])
if kept > 0 and redis.call('HLEN', KEYS[5]) > 0 then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', kept)
  redis.call('PEXPIRE', KEYS[4], kept)
  redis.call('DEL', KEYS[9])
  redis.call('SADD', KEYS[2], ARGV[1])
  return 0
end
redis.call('DEL', KEYS[1], KEYS[4], KEYS[9])
redis.call('SREM', KEYS[3], ARGV[1])
if redis.call('HLEN', KEYS[5]) > 0 or redis.call('HLEN', KEYS[6]) > 0 then return 0 end
for _, payload in ipairs(redis.call('SMEMBERS', KEYS[7])) do
  redis.call('ZADD', KEYS[8], 0, payload)
end
redis.call('DEL', KEYS[7])
redis.call('SREM', KEYS[2], ARGV[1])
return 1
