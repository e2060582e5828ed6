-- After a hold: unlock, extend the member's turn, tell the seat states; one call. Uses hold.lua and seats.lua.
--
-- cm_hold_finish  KEYS cq:{C}, seats:{C}, lock:{C}:SEAT ...
--                 ARGV token, member, turn wanted until (ms since 1970; 0 leaves it), layout positions now held ...
--   answers {how many unlocked, end of the turn in ms or 0}.

local function hold_finish(keys, argv)
  local n = unlock(keys, 3, argv[1])
  local want, to = tonumber(argv[3]) or 0, 0
  if want > 0 then to = extend_lease(open_queue(keys[1], 0, true), argv[2], want) end
  seats_put(keys[2], 'H', argv, 4)
  return { n, to }
end

register('cm_hold_finish', hold_finish)
