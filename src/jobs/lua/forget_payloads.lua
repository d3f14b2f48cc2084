-- KEYS: unneeded
-- ARGV: payloads that have been removed
call_with_all('ZREM', KEYS[1], ARGV)
return #ARGV
