#!lua name=cm1
-- The function library of Concert Mania: the domains' Lua files follow in the order of
-- lib/redis/local.mk. All keys of a concert share the hash tag {concert id}.
--
-- Raise the version with every change of these files: a worker that brings a higher one replaces the
-- library as it connects, a lower one leaves it. While workers are exchanged, old ones call the new
-- functions, so these take what was sent before and read what was stored before.
local VERSION = 13
redis.register_function{function_name = 'cm_version', flags = {'no-writes'},
	callback = function() return VERSION end}
