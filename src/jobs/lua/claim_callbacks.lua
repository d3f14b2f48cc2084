-- Takes callbacks of ours and registers them under a process.
-- KEYS: queue, callbacks running, processes, rescues
-- ARGV: process, most, number of the first
-- Gives for each how often it was rescued, and its bytes.
expect(KEYS[1], 'list')
expect(KEYS[2], 'hash')
expect(KEYS[3], 'set')
expect(KEYS[4], 'hash')
local found = redis.call('RPOP', KEYS[1], ARGV[2])
if not found then return {} end
redis.call('SADD', KEYS[3], ARGV[1])
local any_rescued = redis.call('EXISTS', KEYS[4]) == 1
local reply = {}
for i, bytes in ipairs(found) do
  redis.call('HSET', KEYS[2], string.format('%d', ARGV[3] + i - 1), bytes)
  local jid = any_rescued and text_or_nil((decode(bytes) or {}).jid)
  reply[#reply + 1] = jid and count_rescues(KEYS[4], jid) or 0
  reply[#reply + 1] = bytes
end
return reply
