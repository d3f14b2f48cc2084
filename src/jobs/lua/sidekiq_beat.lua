-- Registers a process among those of Sidekiq, and takes what is asked of it on Sidekiq's page.
-- KEYS: Sidekiq's processes, the process, its signals
-- ARGV: process, time to live of the process in seconds, its fields and values but for the time
-- Gives the oldest signal, or nil.
expect(KEYS[1], 'set')
expect(KEYS[2], 'hash')
expect(KEYS[3], 'list')
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], 'beat', string.format('%.3f', now_ms() / 1000), unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[2], ARGV[2])
return redis.call('RPOP', KEYS[3])
