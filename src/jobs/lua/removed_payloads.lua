-- Payloads of callback jobs of Ruby's that are tried again soon: the try before has removed them.
-- KEYS: retry
-- ARGV: until when in seconds, name of the queue of our callbacks
-- Gives "<store>/<key>" of each, those first that are due first.
local MOST_LOOKED_AT = 1000
local MOST = 100

expect(KEYS[1], 'zset')
local found = {}
for from = 0, MOST_LOOKED_AT - 1, 100 do
  local page = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', from, 100)
  for _, bytes in ipairs(page) do
    if names(bytes, CALLBACK_CLASS) and names(bytes, '"$ref"') then
      local job = decode(bytes)
      local payload = job and job.class == CALLBACK_CLASS and job.queue ~= ARGV[2] and
                      payload_of(job)
      if payload then found[#found + 1] = payload end
      if #found == MOST then return found end
    end
  end
  if #page < 100 then break end
end
return found
