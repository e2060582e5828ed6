-- Seat locks with the gate in front of them, in one call. Appended to the library of lib/queue/queue.lua, whose
-- functions it uses. A lock covers only the database call that follows (milliseconds); the hold itself is PostgreSQL's.
--
-- cm_hold_lock  KEYS cq:{C}, lock:{C}:SEAT ...   ARGV member, token, lock time (ms), gate
--   gate: on = the member needs a running lease; none, locally-verified = no look at the queue
--   answers {code, ms left of the lease (0 when the gate wasn't asked), index of the taken seat}
--   code: 0 locked, all of them  1 no lease  2 lease ended  3 a seat is locked by another; index counts from 1.
--   All locks or none.
-- cm_hold_unlock  KEYS lock:{C}:SEAT ... (cq:{C} among them does no harm)   ARGV token
--   deletes the locks that still carry the token; answers {how many}.
-- cm_hold_done  KEYS cq:{C}, lock:{C}:SEAT ...   ARGV token, member, lease wanted until (ms since 1970; 0 leaves it)
--   unlock and extend in one call; answers {how many unlocked, lease end ms or 0}.

local HOLD_OK, HOLD_NO_LEASE, HOLD_LEASE_ENDED, HOLD_LOCKED = 0, 1, 2, 3

local function unlock(keys, first, token)
  local n = 0
  for i = first, #keys do
    if call('GET', keys[i]) == token then n = n + call('DEL', keys[i]) end
  end
  return n
end

-- 0 when the member may go on, else the code; and what is left of the lease.
local function pass_gate(key, member)
  local q = open_queue(key, 0, true)
  if q.phase == PHASE.NONE then return HOLD_OK, 0 end
  local left, ended = lease_left(q, member)
  if left > 0 then return HOLD_OK, left end
  if ended == 1 then return HOLD_LEASE_ENDED, 0 end
  local number, kind = find_member(q, member)
  if number and kind == KIND.TICKET and number < q.st[S] and get_seen(q, number) == SEEN_SERVED then
    return HOLD_LEASE_ENDED, 0
  end
  return HOLD_NO_LEASE, 0
end

local function hold_lock(keys, argv)
  local code, left = HOLD_OK, 0
  if argv[4] == 'on' then
    code, left = pass_gate(keys[1], argv[1])
    if code ~= HOLD_OK then return { code, 0, 0 } end
  end
  for i = 2, #keys do
    if not call('SET', keys[i], argv[2], 'NX', 'PX', argv[3]) then
      for j = 2, i - 1 do call('DEL', keys[j]) end
      return { HOLD_LOCKED, left, i - 1 }
    end
  end
  return { HOLD_OK, left, 0 }
end

local function hold_unlock(keys, argv)
  return { unlock(keys, 1, argv[1]) }
end

local function hold_done(keys, argv)
  local n = unlock(keys, 2, argv[1])
  local want, to = tonumber(argv[3]) or 0, 0
  if want > 0 then to = extend_lease(open_queue(keys[1], 0, true), argv[2], want) end
  return { n, to }
end

register('cm_hold_lock', hold_lock)
register('cm_hold_unlock', hold_unlock, 'allow-oom')
register('cm_hold_done', hold_done, 'allow-oom')
