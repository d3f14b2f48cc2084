-- Notes which suspect a process runs.
-- KEYS: registry, facts, suspects
-- ARGV: process, number, member
-- Gives 1, or 0 where the claim is gone.
expect(KEYS[1], 'hash')
expect(KEYS[2], 'hash')
expect(KEYS[3], 'hash')
local claim = standing(KEYS[2], KEYS[1], ARGV[1], ARGV[3], ARGV[2])
if not claim then return 0 end
redis.call('HSET', KEYS[3], ARGV[1], claim.jid)
return 1
