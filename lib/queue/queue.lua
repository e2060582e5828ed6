-- The waiting queue as a Redis function library. Design: one member has one number; a frontier S ("now serving")
-- moves over the numbers; a bounded, lazy advance inside every changing function calls the next present tickets while
-- there is a free slot (capacity K) and rate credit (GCRA). Time is Redis' TIME only, never a caller's clock.
--
-- KEYS[1] is always the concert's key cq:{ID}; every other key is derived from it and so shares its slot:
--   cq:{ID}            packed state (FIELDS below, then pairs [from, to) of gaps)
--   cq:{ID}:f          packed settings (CONFIG below)
--   cq:{ID}:e<E>:b:<B> hash, member -> number*4+kind (0 lobby index, 1 ticket, 2 left, 3 done)
--   cq:{ID}:e<E>:s:<C> string, 4 bytes big-endian for each of 16384 tickets: second of the last check-in,
--                      or a mark: 0 never seen, 1 left, 2 has had its lease
--   cq:{ID}:e<E>:c     zset, called and unclaimed: ticket -> deadline ms
--   cq:{ID}:e<E>:l     zset, leases: member -> end ms            cq:{ID}:e<E>:g  hash, member -> ticket:claim ms,
--                      and :r if that is when the turn was put back after a loss
--   cq:{ID}:e<E>:o     set, those of the leases whose member holds seats: these are no longer among the free ones
--   cq:{ID}:e<E>:w     zset, late returners: ticket -> when it came, us: nobody is put before another
--   cq:{ID}:e<E>:h     zset, time ms -> S (the score), a point each 5 s while S moves
--   cq:{ID}:e<E>:j     zset, time ms -> tail (the score), a point at a checkpoint if tail moved
--   cq:{ID}:e<E>:k     list, every ticket called, in the order of the calls
--   cq:{ID}:e<E>:n     hash of counters                          cq:{ID}:e<E>:a  hash for the audit, message
--
-- ARGV[1] of the member's functions is the member id, ARGV[2] the epoch the caller believes in: 0, -1 (or nothing) take
-- any; any other answers EPOCH (and the right one) on a mismatch. Where state or settings are missing the answer is
-- UNCONFIGURED and nothing is stored: only who brings the settings knows whether a queue is new or was lost.
--
-- join, status, release and restore answer this array of integers:
--   1 code  2 epoch  3 phase  4 number (-1 none; lobby index while code is LOBBY or RESOLVE)  5 ahead (-1 unknown)
--   6 serving (S)  7 ceiling (C)  8 speed (tickets in 1000 s; -1 unknown)  9 lease left, ms  10 lease end, ms since 1970
--   11 now, ms since 1970  12 opening, ms since 1970 (0 at once)  13 N, size of the lobby (-1 not yet frozen)
--   14 1 if this call created the place  15 ms from call to claim if this call claimed, else -1
--   16 ms from join (or the opening) to claim if this call claimed, to 5 s exact, else -1

local CODE = {
  NONE = 0, LOBBY = 1, WAITING = 2, LATE = 3, ADMITTED = 4, EXPIRED = 5, CLOSED = 6, SOLD_OUT = 7,
  RESOLVE = 8,       -- the lobby index is known, the caller must give the ticket it was drawn to
  EPOCH = 9, UNCONFIGURED = 10, NOT_OPEN = 11, REBUILD = 12,
  NO_GATE = 13,      -- the concert has no queue: go in
  CONFLICT = 14, REFUSED = 15,
}
local PHASE = {
  NONE = 0, SCHEDULED = 1, LOBBY = 2, DRAWING = 3, OPEN = 4, PAUSED = 5, RETURNS = 6, SOLD_OUT = 7, DRAIN = 8,
  CLOSED = 9, REBUILD = 10,
}
-- The operator's; REBUILD is the state's.
local MODE = { AUTO = 0, PAUSED = 1, DRAIN = 2, CLOSED = 3, REBUILD = 4, PAUSED_DRAIN = 5 }
local KIND = { LOBBY = 0, TICKET = 1, LEFT = 2, DONE = 3 }
local SEEN_LEFT, SEEN_SERVED = 1, 2

-- State, in this order; times in microseconds since 1970.
local EPOCH = 1    -- this use of the queue
local HW = 2       -- highest time seen
local TAIL = 3     -- next number
local S = 4        -- now serving: all below are called, passed or gone
local E = 5        -- all below have had notice
local C = 6        -- ceiling: all below are to check in
local CT = 7       -- when C was last widened
local TAT = 8      -- GCRA: theoretical time of the next call
local HT = 9       -- last history point
local N = 10       -- lobby members, -1 before opening
local OPMODE = 11  -- MODE.REBUILD while a lost queue is put together again, else 0
local FREE = 12    -- seats free, -1 unknown
local HELD = 13    -- seats held
local ADV = 14     -- last advance
local CS = 15      -- S at the last widening
local CC = 16      -- calls since then
local LIVE = 17    -- share of tickets that were present
local SEEDED = 18  -- 1 once the draw is revealed
local SPEED = 19   -- tickets a second, from history; -1 unknown
local T0 = 20      -- first call
local RB = 21      -- end of a rebuild
local CK = 22      -- last checkpoint asked for
local CREATED = 23 -- when this epoch began
local GAPN = 24    -- number of gaps
local FIELDS = 24

-- Settings: name, default; times in microseconds, durations in milliseconds. The first is the test clock (0: TIME).
local CONFIG = {
  { 'clock', 0 }, { 'gate', 1 }, { 'lobby_at', 0 }, { 'open_at', 0 }, { 'close_at', 0 }, { 'capacity', 500 },
  { 'rate', 50 }, { 'burst', 0 }, { 'window', 10000 }, { 'lease', 180000 }, { 'lease_max', 900000 },
  { 'liveness', 45000 }, { 'notice', 10000 }, { 'late_grace', 300000 }, { 'overbook', 2 },
  { 'refund_noshow', 1 }, { 'buckets', 16384 }, { 'step', 0 }, { 'operator', 0 }, { 'rebuild', 90000 },
  { 'version', 0 }, { 'version_at', 0 },   -- of the settings as the database counts them, and when it came
}
local CHUNK = 16384
local MAX_CALLS, MAX_LOOKED, MAX_DROPPED, MAX_TOUCHED = 256, 4096, 256, 512
local LATE_COST = 8           -- of one late returner, in tickets looked at
local SLACK = 200000
local MAX_GAPS = 64
local CHECKPOINT_US = 5000000
local READING_US = 60000000   -- no reading of the database is under way for longer

-- One of each in an epoch.
local EPOCH_KEYS = { 'c', 'l', 'g', 'o', 'w', 'h', 'j', 'k', 'n', 'a' }

-- Redis lends its API and Lua's libraries to a running function only, not to the loading of the library.
local call, floor, max, min, ceil, STATE_FORMAT, CONFIG_FORMAT

local function boot()
  call = redis.call
  floor, max, min, ceil = math.floor, math.max, math.min, math.ceil
  STATE_FORMAT = '<' .. string.rep('d', FIELDS)
  CONFIG_FORMAT = '<' .. string.rep('d', #CONFIG)
end

local function register(name, callback, ...)
  redis.register_function {
    function_name = name,
    callback = function(keys, argv)
      if not call then boot() end
      return callback(keys, argv)
    end,
    flags = { ... },
  }
end

---------------------------------------------------------------------------------------------------- settings, state

local config_cache, config_cached = {}, 0

local function derive(cf)
  cf.iv = 1e6 / cf.rate
  local burst = cf.burst > 0 and cf.burst or max(1, floor(cf.rate))
  cf.bt = cf.iv * (burst - 1)
  cf.A = cf.step > 0 and cf.step or max(1, ceil(40 * cf.rate))
  cf.nt = cf.notice * 1000
  return cf
end

local function default_config()
  local cf = {}
  for i = 1, #CONFIG do cf[CONFIG[i][1]] = CONFIG[i][2] end
  return derive(cf)
end

local function parse_config(raw)
  local cf = config_cache[raw]
  if cf then return cf end
  if config_cached >= 64 then config_cache, config_cached = {}, 0 end
  local v = { struct.unpack('<' .. string.rep('d', min(#CONFIG, floor(#raw / 8))), raw) }
  cf = default_config()
  for i = 1, min(#CONFIG, #v - 1) do cf[CONFIG[i][1]] = v[i] end
  config_cache[raw] = derive(cf)
  config_cached = config_cached + 1
  return cf
end

local function pack_config(cf)
  local v = {}
  for i = 1, #CONFIG do v[i] = cf[CONFIG[i][1]] end
  return struct.pack(CONFIG_FORMAT, unpack(v))
end

local function new_state(epoch, us)
  local st = {}
  for i = 1, FIELDS do st[i] = 0 end
  st[EPOCH], st[HW], st[CREATED] = epoch, us, us
  st[N], st[FREE], st[SPEED], st[LIVE] = -1, -1, -1, 1
  return st
end

-- Computed, never stored: the same for every worker at one instant.
local function phase_of(st, cf, us)
  if cf.gate == 0 then return PHASE.NONE end
  if st[OPMODE] == MODE.REBUILD then return PHASE.REBUILD end
  if cf.operator == MODE.CLOSED or (cf.close_at > 0 and us >= cf.close_at) then return PHASE.CLOSED end
  if st[N] < 0 then
    if cf.lobby_at > 0 and us >= cf.lobby_at then return PHASE.LOBBY end
    return PHASE.SCHEDULED
  end
  if st[FREE] == 0 then
    return st[HELD] > 0 and PHASE.RETURNS or PHASE.SOLD_OUT
  end
  if st[N] > 0 and st[SEEDED] == 0 then return PHASE.DRAWING end
  if cf.operator == MODE.PAUSED or cf.operator == MODE.PAUSED_DRAIN or us < cf.open_at then
    return PHASE.PAUSED   -- also an opening put off
  end
  if cf.operator == MODE.DRAIN then return PHASE.DRAIN end
  return PHASE.OPEN
end

local function pack_state(st, gaps)
  st[GAPN] = #gaps
  local parts = { struct.pack(STATE_FORMAT, unpack(st, 1, FIELDS)) }
  for i = 1, #gaps do parts[i + 1] = struct.pack('<dd', gaps[i][1], gaps[i][2]) end
  return table.concat(parts)
end

local function unpack_state(raw)
  local st, gaps = { struct.unpack(STATE_FORMAT, raw) }, {}
  for i = 1, st[GAPN] do
    local from, to = struct.unpack('<dd', raw, FIELDS * 8 + (i - 1) * 16 + 1)
    gaps[i] = { from, to }
  end
  return st, gaps
end

-- The numbers joined since the last checkpoint are unknown after a loss: leave them out of the order, as a gap. In a
-- lobby a gap would be drawn among the members; there whoever comes after this, and had such a place, takes a new one.
local function finish_rebuild(q)
  local st = q.st
  st[OPMODE], st[CK] = MODE.AUTO, 0
  if st[N] < 0 then q.kept = st[TAIL] end
  if st[N] >= 0 and #q.gaps < MAX_GAPS then
    q.gaps[#q.gaps + 1] = { st[TAIL], st[TAIL] + SLACK }
    st[TAIL] = st[TAIL] + SLACK
  end
  q.dirty = true
end

-- Reads state and settings. Returns q, or nil and a code when the caller's epoch is not ours. Readers see an empty queue
-- where there is none.
local function open_queue(key, want, readonly)
  local raw = call('MGET', key, key .. ':f')
  want = tonumber(want) or 0
  if not readonly and not (raw[1] and raw[2]) then return nil, CODE.UNCONFIGURED, 0 end
  local cf = raw[2] and parse_config(raw[2]) or default_config()
  local us = cf.clock
  if us == 0 then
    local t = call('TIME')
    us = t[1] * 1000000 + t[2]
  end
  local st, gaps = nil, {}
  if raw[1] then
    st, gaps = unpack_state(raw[1])
  else
    st = new_state(1, us)
  end
  if want > 0 and want ~= st[EPOCH] then return nil, CODE.EPOCH, st[EPOCH] end
  local q = { key = key, st = st, cf = cf, gaps = gaps, back = st[HW] - us, count = {} }
  q.us = max(us, st[HW])
  q.ms = floor(q.us / 1000)
  q.sec = floor(q.us / 1000000)
  q.p = string.format('%s:e%d:', key, st[EPOCH])
  if not readonly then
    if st[OPMODE] == MODE.REBUILD and q.us >= st[RB] then finish_rebuild(q) end
    if st[N] < 0 and st[OPMODE] ~= MODE.REBUILD and q.us >= cf.open_at then
      st[N] = st[TAIL]   -- the cohort of the lobby is frozen by the first call after opening
      q.dirty = true
    end
  end
  q.phase = phase_of(st, cf, q.us)
  return q
end

-- A day after the closing; asked for after it, a day from now.
local function expire_with(cf, us, key)
  if cf.close_at > 0 then
    call('EXPIREAT', key, floor(max(cf.close_at, us) / 1000000) + 86400)
  else
    call('PERSIST', key)
  end
end

local function expire_with_queue(q, key)
  if q.cf.close_at > 0 then expire_with(q.cf, q.us, key) end
end

-- The closing was moved: what was stored before lives as long as what is stored now. Many keys, so a part each time.
local function touch_members(q, first)
  local to, chunks = first + MAX_TOUCHED, floor(q.st[TAIL] / CHUNK)
  for i = first, to - 1 do
    if i < q.cf.buckets then expire_with(q.cf, q.us, q.p .. 'b:' .. string.format('%d', i)) end
    if i <= chunks then expire_with(q.cf, q.us, q.p .. 's:' .. string.format('%d', i)) end
  end
  if to < max(q.cf.buckets, chunks + 1) then
    call('HSET', q.p .. 'a', 'touched', string.format('%d', to))
  else
    call('HDEL', q.p .. 'a', 'touched')
  end
end

local function close_queue(q)
  for name, by in pairs(q.count) do call('HINCRBY', q.p .. 'n', name, by) end
  local st = q.st
  if not q.dirty and q.us - st[HW] < 50000 then return end
  st[HW] = q.us
  call('SET', q.key, pack_state(st, q.gaps))
  if q.kept then call('HSET', q.p .. 'a', 'kept', string.format('%d', q.kept)) end
  expire_with_queue(q, q.key)
end

local function tally(q, name, by)
  if by ~= 0 then q.count[name] = (q.count[name] or 0) + by end
end

-------------------------------------------------------------------------------------------------- members, check-ins

local function bucket_of(q, member)
  return q.p .. 'b:' .. string.format('%d', tonumber(member) % q.cf.buckets)
end

local function find_member(q, member)
  local v = call('HGET', bucket_of(q, member), member)
  if not v then return nil end
  v = tonumber(v)
  local kind = v % 4
  return (v - kind) / 4, kind
end

local function put_member(q, member, number, kind)
  local key = bucket_of(q, member)
  local value = string.format('%d', number * 4 + kind)
  if call('HSET', key, member, value) == 1 and q.cf.close_at > 0 and call('HLEN', key) == 1 then
    expire_with_queue(q, key)
  end
end

local function seen_key(q, ticket)
  return q.p .. 's:' .. string.format('%d', floor(ticket / CHUNK))
end

local function get_seen(q, ticket)
  local off = (ticket % CHUNK) * 4
  local raw = call('GETRANGE', seen_key(q, ticket), off, off + 3)
  return #raw == 4 and struct.unpack('>I4', raw) or 0
end

-- A chunk is made whole at once, so that Redis allocates it exactly instead of doubling as it grows.
local function put_seen(q, ticket, value)
  local key, off = seen_key(q, ticket), (ticket % CHUNK) * 4
  local raw = struct.pack('>I4', value)
  if call('SETRANGE', key, off, raw) < CHUNK * 4 then
    call('DEL', key)
    call('SETRANGE', key, CHUNK * 4 - 4, '\0\0\0\0')
    call('SETRANGE', key, off, raw)
    expire_with_queue(q, key)
  end
end

-- Tickets below n that exist: the numbers in gaps belong to nobody.
local function tickets_below(q, n)
  local count = n
  for i = 1, #q.gaps do
    local to = min(q.gaps[i][2], n)
    if to > q.gaps[i][1] then count = count - (to - q.gaps[i][1]) end
  end
  return count
end

-- An upper bound of the people ahead, which can only fall.
local function ahead_of(q, n)
  return max(0, tickets_below(q, n) - tickets_below(q, q.st[S]))
end

local function speed_of(q)
  local st = q.st
  if q.phase ~= PHASE.OPEN and q.phase ~= PHASE.DRAIN then return -1 end
  if st[T0] == 0 or q.us - st[T0] < 60000000 then return q.cf.rate end
  if q.us - st[HT] > 120000000 then return -1 end
  return st[SPEED]
end

---------------------------------------------------------------------------------------------------------- advance

local function drop_expired(q)
  local st = q.st
  local calls = call('ZRANGEBYSCORE', q.p .. 'c', '-inf', q.ms, 'LIMIT', 0, MAX_DROPPED)
  if #calls > 0 then
    call('ZREM', q.p .. 'c', unpack(calls))
    tally(q, 'noshow', #calls)
    if q.cf.refund_noshow == 1 then st[TAT] = st[TAT] - #calls * q.cf.iv end
    q.dirty = true
  end
  local leases = call('ZRANGEBYSCORE', q.p .. 'l', '-inf', q.ms, 'LIMIT', 0, MAX_DROPPED)
  if #leases > 0 then
    local grants = call('HMGET', q.p .. 'g', unpack(leases))
    for i = 1, #leases do
      local ticket = grants[i] and string.match(grants[i], '^(%d+):')
      if ticket then put_seen(q, tonumber(ticket), SEEN_SERVED) end
    end
    call('ZREM', q.p .. 'l', unpack(leases))
    call('HDEL', q.p .. 'g', unpack(leases))
    call('SREM', q.p .. 'o', unpack(leases))
    tally(q, 'expired', #leases)
    q.dirty = true
  end
end

-- Many may not come in for few seats. Those who hold theirs look for none.
local function effective_capacity(q)
  local cap, st = q.cf.capacity, q.st
  local seekers = st[FREE] >= 0 and ceil(st[FREE] * q.cf.overbook) or cap
  return seekers < cap and min(cap, seekers + call('SCARD', q.p .. 'o')) or cap
end

local function free_slots(q)
  return effective_capacity(q) - call('ZCARD', q.p .. 'l') - call('ZCARD', q.p .. 'c')
end

-- The ceiling never runs further ahead of S than two notice periods need, nor faster than A a period. They need what
-- the last one took and the free slots can take, which may be far less than the rate allows; as much as that only
-- where slots stay free because those who had notice were too few.
local function widen(q)
  local st, cf = q.st, q.cf
  if q.us - st[CT] < cf.nt then return end
  local moved, called = st[S] - st[CS], st[CC]
  if moved >= 20 then
    st[LIVE] = max(0.02, min(1, (st[LIVE] + called / moved) / 2))
    st[CS], st[CC] = st[S], 0
  end
  local free, most = max(0, free_slots(q)), cf.nt / cf.iv
  local short = free > 0 and st[E] > 0 and st[S] >= st[E]
  local calls = 2 * (short and most or min(most, called + free))
  local need = max(256, calls / st[LIVE])
  st[E] = st[C]
  st[C] = max(st[C], min(max(st[C], st[S]) + cf.A, st[S] + ceil(need)))
  st[CT] = q.us
  q.dirty = true
end

local function next_late(q, budget)
  while budget.looked < MAX_LOOKED do
    local first = call('ZRANGE', q.p .. 'w', 0, 0)[1]
    if not first then return nil end
    call('ZREM', q.p .. 'w', first)
    budget.looked = budget.looked + LATE_COST
    if q.sec - get_seen(q, tonumber(first)) <= q.cf.liveness / 1000 then return tonumber(first) end
    tally(q, 'late_gone', 1)
  end
end

local function gap_end(q, n)
  for i = 1, #q.gaps do
    if n >= q.gaps[i][1] and n < q.gaps[i][2] then return q.gaps[i][2] end
  end
end

-- Moves S to behind the next present ticket and returns it; nil when the one at S still has its notice to run.
local function next_in_line(q, budget)
  local st, fresh = q.st, q.sec - q.cf.liveness / 1000
  local raw, base = nil, 0
  while st[S] < st[TAIL] and budget.looked < MAX_LOOKED do
    local jump = #q.gaps > 0 and gap_end(q, st[S])
    if jump then   -- and with it what is counted from S: as many are near the front as before
      for _, i in ipairs { C, E, CS } do st[i] = st[i] + jump - st[S] end
      st[S], raw = jump, nil
    else
      local offset = (st[S] % CHUNK) * 4
      if not raw or offset < base or offset >= base + 2048 then
        base, raw = offset, call('GETRANGE', seen_key(q, st[S]), offset, offset + 2047)
      end
      local at = offset - base + 1
      local seen = at + 3 <= #raw and struct.unpack('>I4', raw, at) or 0
      budget.looked = budget.looked + 1
      if seen >= fresh and seen > SEEN_SERVED then
        st[S] = st[S] + 1
        return st[S] - 1
      elseif seen == SEEN_LEFT then
        st[S] = st[S] + 1
      elseif st[S] < st[E] then
        st[S] = st[S] + 1
        tally(q, 'passed', 1)
      else
        return nil
      end
    end
  end
end

local function note_history(q, before)
  local st = q.st
  if st[S] == before or q.us - st[HT] < 5000000 then return end
  local key = q.p .. 'h'
  call('ZADD', key, st[S], string.format('%d', q.ms))
  if st[HT] == 0 then expire_with_queue(q, key) end
  call('ZREMRANGEBYRANK', key, 0, -8193)
  st[HT] = q.us
  local points = call('ZREVRANGE', key, 0, 24, 'WITHSCORES')
  local oldest = 1
  for i = 3, #points, 2 do
    if q.ms - tonumber(points[i]) <= 120000 then oldest = i end
  end
  local dt = q.ms - tonumber(points[oldest])
  local moved = tickets_below(q, st[S]) - tickets_below(q, tonumber(points[oldest + 1]))
  st[SPEED] = dt > 0 and moved * 1000 / dt or -1
end

-- The log of calls, and a running digest of it: what somebody kept of the one proves the other unchanged.
local function log_calls(q, called)
  local key, log, tickets = q.p .. 'a', q.p .. 'k', {}
  for i = 1, #called do tickets[i] = string.format('%d', called[i]) end
  local begins = call('RPUSH', log, unpack(tickets)) == #tickets
  if begins then expire_with_queue(q, log) end
  local digest = not begins and call('HGET', key, 'calls') or ''   -- older libraries kept it, but no log
  for i = 1, #tickets do digest = redis.sha1hex(digest .. ' ' .. tickets[i]) end
  call('HSET', key, 'calls', digest)
end

local function advance(q)
  local st, cf = q.st, q.cf
  drop_expired(q)
  st[ADV] = q.us
  if q.phase ~= PHASE.OPEN and q.phase ~= PHASE.DRAIN then return end
  widen(q)
  local free, before = free_slots(q), st[S]
  local budget, called = { looked = 0 }, {}
  local late = free > 0 and call('EXISTS', q.p .. 'w') == 1
  while free > 0 and #called < MAX_CALLS do
    local t = max(st[TAT], q.us - cf.bt)
    if t > q.us then break end
    local n = late and next_late(q, budget) or nil
    if not n then
      late = false
      n = next_in_line(q, budget)
    end
    if not n then break end
    call('ZADD', q.p .. 'c', q.ms + cf.window, string.format('%d', n))
    called[#called + 1] = n
    st[TAT] = t + cf.iv
    free = free - 1
  end
  if #called > 0 then
    if st[T0] == 0 then st[T0] = q.us end
    st[CC] = st[CC] + #called
    tally(q, 'called', #called)
    log_calls(q, called)
  end
  note_history(q, before)
  if #called > 0 or st[S] ~= before then q.dirty = true end
end

----------------------------------------------------------------------------------------------------------- answers

local function answer(q, code, number, more)
  more = more or {}
  local st, speed = q.st, speed_of(q)
  close_queue(q)
  return {
    code, st[EPOCH], q.phase, number or -1, more.ahead or -1, st[S], st[C],
    speed < 0 and -1 or floor(speed * 1000), more.left or 0, more.lease_end or 0, q.ms,
    floor(q.cf.open_at / 1000), st[N], more.created or 0, more.delay or -1,
    more.waited or -1,
  }
end

local function refuse(code, epoch)
  return { code, epoch, 0, -1, -1, 0, 0, -1, 0, 0, 0, 0, -1, 0, -1, -1 }
end

-- Since the number was given; since the opening for those of the lobby.
local function waited_ms(q, n)
  if n < q.st[N] then return max(0, q.ms - floor(max(q.cf.open_at, q.st[CREATED]) / 1000)) end
  local point = call('ZRANGEBYSCORE', q.p .. 'j', string.format('(%d', n), '+inf', 'LIMIT', 0, 1)[1]
  return point and max(0, q.ms - tonumber(point)) or 0
end

-- How many tickets had been given by now: a member's own time of joining would cost memory for each.
local function note_tail(q)
  local key = q.p .. 'j'
  local last = call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2]
  if last and tonumber(last) == q.st[TAIL] then return end
  call('ZADD', key, q.st[TAIL], string.format('%d', q.ms))
  call('ZREMRANGEBYRANK', key, 0, -8193)
  if not last then expire_with_queue(q, key) end
end

local function admitted(q, n, lease_end, delay)
  local waited = delay and waited_ms(q, n)
  return CODE.ADMITTED, n, { left = lease_end - q.ms, lease_end = lease_end, delay = delay, waited = waited }
end

local function claim(q, member, n)
  local ticket = string.format('%d', n)
  local deadline = call('ZSCORE', q.p .. 'c', ticket)
  if not deadline then return nil end
  call('ZREM', q.p .. 'c', ticket)
  local lease_end = q.ms + min(q.cf.lease, q.cf.lease_max)
  call('ZADD', q.p .. 'l', lease_end, member)
  call('HSET', q.p .. 'g', member, string.format('%d:%d', n, q.ms))
  local delay = max(0, q.ms - (tonumber(deadline) - q.cf.window))
  tally(q, 'claimed', 1)
  tally(q, 'claim_delay_ms', delay)
  q.dirty = true
  return admitted(q, n, lease_end, delay)
end

-- A number that was passed: late within the grace, else gone.
local function come_late(q, member, n)
  local w = q.p .. 'w'
  local ticket = string.format('%d', n)
  if not call('ZSCORE', w, ticket) then
    local point = call('ZRANGEBYSCORE', q.p .. 'h', string.format('(%d', n), '+inf', 'LIMIT', 0, 1)[1]
    if point and q.ms - tonumber(point) > q.cf.late_grace then return CODE.EXPIRED, n end
    local last = tonumber(call('ZREVRANGE', w, 0, 0, 'WITHSCORES')[2] or 0)
    call('ZADD', w, string.format('%d', max(q.us, last + 1)), ticket)
    tally(q, 'late_in', 1)
    q.dirty = true
    advance(q)
    local code, number, more = claim(q, member, n)
    if code then return code, number, more end
  end
  return CODE.LATE, n, { ahead = call('ZRANK', w, ticket) or 0 }
end

-- The member says "I am here" for ticket n; answers where it stands.
local function check_in(q, member, n)
  local st = q.st
  if n < st[S] then
    local lease_end = tonumber(call('ZSCORE', q.p .. 'l', member) or 0)
    if lease_end > q.ms then return admitted(q, n, lease_end) end
    if lease_end > 0 or get_seen(q, n) == SEEN_SERVED then
      if lease_end > 0 then advance(q) end
      return CODE.EXPIRED, n
    end
  end
  if q.phase == PHASE.SOLD_OUT then return CODE.SOLD_OUT, n end
  if q.phase == PHASE.CLOSED then return CODE.CLOSED, n end
  put_seen(q, n, q.sec)
  if n - st[S] < 512 or q.us - st[ADV] > 20000 then
    advance(q)
  end
  if n >= st[S] then return CODE.WAITING, n, { ahead = ahead_of(q, n) } end
  local code, number, more = claim(q, member, n)
  if code then return code, number, more end
  return come_late(q, member, n)
end

local function valid_ticket(q, n)
  n = tonumber(n)
  return n and n >= 0 and n < q.st[N] and n == floor(n) and n or nil
end

-- Where a member with a record stands. `drawn` is the ticket the caller computed for a lobby index, if it did.
local function place(q, member, number, kind, drawn)
  if kind == KIND.LOBBY then
    if q.st[N] < 0 or q.phase == PHASE.DRAWING then
      if q.phase == PHASE.CLOSED then return CODE.CLOSED, number end
      return CODE.LOBBY, number
    end
    if q.st[SEEDED] == 0 then return q.phase == PHASE.CLOSED and CODE.CLOSED or CODE.LOBBY, number end
    local n = valid_ticket(q, drawn)
    if not n then return CODE.RESOLVE, number end
    put_member(q, member, n, KIND.TICKET)
    number = n
  end
  return check_in(q, member, number)
end

local function join_refusal(q)
  if q.phase == PHASE.SOLD_OUT then return CODE.SOLD_OUT end
  if q.phase == PHASE.CLOSED or q.cf.operator == MODE.DRAIN or q.cf.operator == MODE.PAUSED_DRAIN then
    return CODE.CLOSED
  end
  if q.phase == PHASE.SCHEDULED then return CODE.NOT_OPEN end
  if q.phase == PHASE.REBUILD then return CODE.REBUILD end
end

local function join_lobby(q, member, old, tag)
  local index = old
  if not index then   -- who left the lobby and returns keeps the index: nothing is gained by leaving
    index = q.st[TAIL]
    q.st[TAIL] = index + 1
    q.dirty = true
    local key = q.p .. 'a'
    local th = call('HGET', key, 'transcript') or ''
    th = redis.sha1hex(th .. (tag or '') .. string.format('%d', index))
    if call('HSET', key, 'transcript', th) == 1 then expire_with_queue(q, key) end
  end
  put_member(q, member, index, KIND.LOBBY)
  return answer(q, CODE.LOBBY, index, { created = 1 })
end

-- ARGV: member, epoch, member tag (entropy for the draw), drawn ticket (answering RESOLVE)
local function queue_join(keys, argv)
  local q, code, epoch = open_queue(keys[1], argv[2])
  if not q then return refuse(code, epoch) end
  local member = argv[1]
  if q.phase == PHASE.NONE then return answer(q, CODE.NO_GATE) end
  local number, kind = find_member(q, member)
  if number and kind <= KIND.TICKET then
    local at, n, more = place(q, member, number, kind, argv[4])
    if at ~= CODE.EXPIRED then return answer(q, at, n, more) end
  end
  local refusal = join_refusal(q)
  if refusal then return answer(q, refusal) end
  if q.st[N] < 0 then return join_lobby(q, member, kind == KIND.LEFT and number or nil, argv[3]) end
  if q.phase == PHASE.DRAWING then return answer(q, CODE.NOT_OPEN) end
  local n = q.st[TAIL]
  q.st[TAIL] = n + 1
  q.dirty = true
  put_member(q, member, n, KIND.TICKET)
  local at, _, more = check_in(q, member, n)
  more = more or {}
  more.created = 1
  return answer(q, at, n, more)
end

-- ARGV: member, epoch, ticket (answering RESOLVE)
local function queue_status(keys, argv)
  local q, code, epoch = open_queue(keys[1], argv[2])
  if not q then return refuse(code, epoch) end
  if q.phase == PHASE.NONE then return answer(q, CODE.NO_GATE) end
  local number, kind = find_member(q, argv[1])
  if not number or kind > KIND.TICKET then
    return answer(q, q.phase == PHASE.REBUILD and CODE.REBUILD or CODE.NONE)
  end
  -- Far from the front nobody needs to check in: answer from the state alone.
  local ahead = kind == KIND.TICKET and ahead_of(q, number) or 0
  if kind == KIND.TICKET and number >= q.st[S] and ahead >= q.st[C] - q.st[S] + q.cf.A and q.phase ~= PHASE.SOLD_OUT
    and q.phase ~= PHASE.CLOSED and q.phase ~= PHASE.REBUILD then
    return answer(q, CODE.WAITING, number, { ahead = ahead })
  end
  return answer(q, place(q, argv[1], number, kind, argv[3]))
end

local function has_had_turn(q, member, number)
  return number < q.st[S] and (call('ZSCORE', q.p .. 'l', member) or get_seen(q, number) == SEEN_SERVED)
end

-- When a turn began, and whether that is only when it was put back after a loss: it had begun before.
local function claim_of(grant)
  local claimed, back = string.match(grant or '', '^%d+:(%d+)(:?r?)$')
  return tonumber(claimed), back == ':r'
end

-- Whether the member's turn began before then: who has come again meanwhile keeps the new one.
local function claimed_before(q, member, ms)
  local grant = call('HGET', q.p .. 'g', member)
  local claimed, back = claim_of(grant)
  return claimed and (claimed < ms or back)
end

-- Seats were given back: the turn lasts as long as it would have without, and long enough to choose again.
local function give_back(q, member)
  local lease_end = tonumber(call('ZSCORE', q.p .. 'l', member) or 0)
  local claimed = claim_of(call('HGET', q.p .. 'g', member)) or q.ms
  local to = max(q.ms + q.cf.window, claimed + min(q.cf.lease, q.cf.lease_max))
  if lease_end > to then call('ZADD', q.p .. 'l', string.format('%d', to), member) end
  call('SREM', q.p .. 'o', member)
end

-- ARGV: member, epoch, why: leave | done | expire_hold | give_back, and if not 0: only a turn claimed before this instant
-- (ms since 1970). The freed slot goes to the next ticket before the reply. A turn that ended with its hold is as one that ran out.
local function queue_release(keys, argv)
  local q, code, epoch = open_queue(keys[1], argv[2])
  if not q then return refuse(code, epoch) end
  local member, why, before = argv[1], argv[3], tonumber(argv[4]) or 0
  if before > 0 and not claimed_before(q, member, before) then return answer(q, CODE.NONE) end
  if why == 'give_back' then
    give_back(q, member)
    advance(q)
    return answer(q, CODE.NONE)
  end
  local number, kind = find_member(q, member)
  if not number or kind > KIND.TICKET then
    advance(q)
    return answer(q, CODE.NONE)
  end
  if why == 'done' and not (kind == KIND.TICKET and has_had_turn(q, member, number)) then
    advance(q)   -- bought with the turn of another place; this one was taken since
    return answer(q, CODE.NONE)
  end
  if kind == KIND.TICKET then
    local ticket = string.format('%d', number)
    if call('ZREM', q.p .. 'l', member) == 1 then
      call('HDEL', q.p .. 'g', member)
      call('SREM', q.p .. 'o', member)
    end
    call('ZREM', q.p .. 'c', ticket)
    call('ZREM', q.p .. 'w', ticket)
    if number >= q.st[S] then put_seen(q, number, SEEN_LEFT) end
  end
  if why == 'expire_hold' and kind == KIND.TICKET and number < q.st[S] then
    put_seen(q, number, SEEN_SERVED)
  else
    put_member(q, member, number, why == 'done' and KIND.DONE or KIND.LEFT)
  end
  tally(q, why == 'done' and 'done' or why == 'expire_hold' and 'hold_expired' or 'left', 1)
  advance(q)
  return answer(q, CODE.NONE, number)
end

-- ms left of the member's lease, 0 if none; the second value is 1 if there was one that has ended.
local function lease_left(q, member)
  local lease_end = call('ZSCORE', q.p .. 'l', member)
  if lease_end then
    local left = tonumber(lease_end) - q.ms
    return max(0, left), left <= 0 and 1 or 0
  end
  return 0, 0
end

-- ARGV: member. Answers {ms left, ended}. Reads only.
local function queue_verify(keys, argv)
  local q = open_queue(keys[1], 0, true)
  local left, ended = lease_left(q, argv[1])
  return { left, ended }
end

local function extend_lease(q, member, until_ms)
  local lease_end = tonumber(call('ZSCORE', q.p .. 'l', member) or 0)
  if lease_end <= q.ms then return 0 end
  local grant = call('HGET', q.p .. 'g', member)
  local claimed = claim_of(grant) or q.ms
  local to = min(max(lease_end, until_ms), claimed + q.cf.lease_max)
  if to > lease_end then call('ZADD', q.p .. 'l', string.format('%d', to), member) end
  call('SADD', q.p .. 'o', member)
  return max(to, lease_end)
end

-- ARGV: member, who now holds seats, end wanted (ms since 1970). Answers {lease end ms, 0 if there is no lease}.
local function queue_extend(keys, argv)
  local q = open_queue(keys[1], 0, true)
  return { extend_lease(q, argv[1], tonumber(argv[2])) }
end

------------------------------------------------------------------------------------------------- the whole queue

local COUNTERS = {
  'called', 'claimed', 'noshow', 'passed', 'late_in', 'late_gone', 'expired', 'left', 'done', 'hold_expired',
  'claim_delay_ms', 'restored', 'conflict',
}

-- What the settings hold of time is milliseconds outside and microseconds inside.
local INSTANTS = { lobby_at = true, open_at = true, close_at = true }

local function read_pairs(argv, first)
  local given = {}
  for i = first, #argv - 1, 2 do given[argv[i]] = argv[i + 1] end
  return given
end

-- Gaps are only ever added: of two lists the longer one is the newer.
local function read_gaps(gaps, text)
  local found = {}
  for from, to in string.gmatch(text or '', '(%d+)-(%d+)') do found[#found + 1] = { tonumber(from), tonumber(to) } end
  return #found > #gaps and found or gaps
end

-- Redis came back with less than was seen of it: a power failure's last second, an old copy of its data.
local function is_behind(st, given)
  local lobby = tonumber(given.checkpoint_lobby) or -1
  return tonumber(given.checkpoint_tail or 0) > st[TAIL] or tonumber(given.checkpoint_serving or 0) > st[S]
    or lobby >= 0 and lobby ~= st[N]
end

-- Those in a lobby are known by the draw or a checkpoint from after it was frozen.
local function rebuild_lobby(key, st, lobby)
  if lobby >= 0 and lobby ~= st[N] then
    call('HDEL', string.format('%s:e%d:a', key, st[EPOCH]), 'transcript')   -- of another number of joins
    st[N] = lobby
  elseif st[N] >= 0 and lobby < 0 and st[SEEDED] == 0 then
    st[N] = st[TAIL]
  end
end

-- A queue whose state is gone, or older than its checkpoint (always of this epoch): numbers stand, nobody is called
-- until those who wait have shown their tickets. Answers the gaps.
local function start_rebuild(key, st, gaps, cf, given, us)
  local tail = tonumber(given.checkpoint_tail) or 0
  if tail <= 0 then return gaps end
  st[TAIL], st[S] = max(st[TAIL], tail), max(st[S], tonumber(given.checkpoint_serving) or 0)
  rebuild_lobby(key, st, tonumber(given.checkpoint_lobby) or -1)
  st[CS], st[CC], st[C], st[E] = st[S], 0, st[S], st[S]
  local closed = cf.close_at > 0 and us >= cf.close_at   -- then there is nobody to wait for
  st[OPMODE], st[RB], st[T0] = MODE.REBUILD, closed and us or us + cf.rebuild * 1000, us
  -- from now on the grace counts for all below
  if st[S] > 0 then call('ZADD', string.format('%s:e%d:h', key, st[EPOCH]), st[S], floor(us / 1000)) end
  return read_gaps(gaps, given.checkpoint_gaps)
end

-- What a reset leaves behind may be spread over more buckets than what comes.
local function note_buckets(key, from, to, buckets)
  local earlier = call('HGET', string.format('%s:e%d:a', key, from), 'old_buckets')
  call('HSET', string.format('%s:e%d:a', key, to), 'old_buckets', max(buckets, tonumber(earlier or 0)))
end

-- False if what is given is older than what is there.
local function configure(key, epoch, given)
  local raw = call('MGET', key, key .. ':f')
  local old = raw[2] and parse_config(raw[2]) or default_config()
  local cf = {}
  for i = 1, #CONFIG do
    local name = CONFIG[i][1]
    local value = tonumber(given[name])
    if value and INSTANTS[name] then value = value * 1000 end
    cf[name] = value or old[name]
  end
  local us = cf.clock
  if us == 0 then
    local t = call('TIME')
    us = t[1] * 1000000 + t[2]
  end
  local st, gaps = nil, {}
  if raw[1] then st, gaps = unpack_state(raw[1]) end
  -- An old reading of the database. A version that stays lower is a database put back to an older state.
  if st and epoch > 0 and st[EPOCH] > epoch then return false end
  if raw[2] and cf.version < old.version and us - old.version_at < READING_US then return false end
  if cf.version ~= old.version then cf.version_at = us end
  if st and (epoch <= 0 or st[EPOCH] == epoch) and st[TAIL] > 0 then cf.buckets = old.buckets end
  derive(cf)
  local fresh = not st or (epoch > 0 and st[EPOCH] < epoch)
  local lost = not fresh and st[TAIL] == 0 and tonumber(given.checkpoint_tail or 0) > 0
  if fresh or lost then
    if fresh and st then note_buckets(key, st[EPOCH], epoch, old.buckets) end
    st = new_state(epoch > 0 and epoch or st and st[EPOCH] or 1, us)
    call('SET', key, pack_state(st, start_rebuild(key, st, {}, cf, given, us)))
  elseif is_behind(st, given) then
    call('SET', key, pack_state(st, start_rebuild(key, st, gaps, cf, given, us)))
  elseif st[TAIL] == 0 and st[N] == 0 and us < cf.open_at then
    st[N] = -1   -- nobody has come yet: the opening may still be moved
    call('SET', key, pack_state(st, gaps))
  end
  local packed = pack_config(cf)
  if packed ~= raw[2] then call('SET', key .. ':f', packed) end
  local p = string.format('%s:e%d:', key, st[EPOCH])
  local audit = p .. 'a'
  for _, name in ipairs { 'message', 'commit' } do
    if given[name] and (given[name] ~= '' or call('HEXISTS', audit, name) == 1) then
      call('HSET', audit, name, given[name])
    end
  end
  if cf.close_at > 0 or old.close_at > 0 then
    expire_with(cf, us, key)
    expire_with(cf, us, key .. ':f')
    for i = 1, (packed ~= raw[2] or us - st[CK] >= CHECKPOINT_US) and #EPOCH_KEYS or 0 do
      expire_with(cf, us, p .. EPOCH_KEYS[i])   -- now and then: some come and go
    end
  end
  if cf.close_at ~= old.close_at and st[TAIL] > 0 then call('HSET', audit, 'touched', 0) end
  return true
end

-- ARGV: epoch, then pairs of name and value to store first: the names of CONFIG (instants in ms since 1970), message,
-- commit, checkpoint_tail, checkpoint_serving, checkpoint_lobby, checkpoint_gaps (what was seen of this queue), free,
-- held (seats), summary (whatever it is, this makes the public document).
-- Answers {code, epoch, phase, now ms, S, C, E, tail, N, seeded, late, leases, calls, free, held, speed (in 1000 s), vmax
-- (in 1000 s), opening ms, K, rate (in 1000 s), live (in 1000), 1 if a checkpoint is due, clock behind by ms, gaps
-- "from-to ...", message, commit, seed, transcript, digest of the calls, then COUNTERS, then how many wait at most, K
-- as the free seats bound it and the age of the last public document in ms (-1 none)}. This call is the ticker: the
-- public document's readers bring it about once a second. A checkpoint is due only for who gives settings.
local function queue_now(keys, argv)
  local epoch, given = tonumber(argv[1]) or 0, read_pairs(argv, 2)
  if #argv > 1 and not configure(keys[1], max(0, epoch), given) then given = {} end
  local q, code, other = open_queue(keys[1], epoch)
  if not q then return { code, other } end
  local st, cf = q.st, q.cf
  if given.free then
    local free, held = tonumber(given.free), tonumber(given.held) or 0
    if free ~= st[FREE] or held ~= st[HELD] then q.dirty = true end
    st[FREE], st[HELD] = free, held
    q.phase = phase_of(st, cf, q.us)
  end
  if q.phase ~= PHASE.NONE then advance(q) end
  local due = 0
  if #argv > 1 and q.us - st[CK] >= CHECKPOINT_US and st[TAIL] > 0 then
    st[CK], due, q.dirty = q.us, 1, true
    note_tail(q)
  end
  local speed = speed_of(q)
  close_queue(q)
  local gaps = {}
  for i = 1, #q.gaps do gaps[i] = string.format('%d-%d', q.gaps[i][1], q.gaps[i][2]) end
  if given.summary then call('HSET', q.p .. 'a', 'summary', q.ms) end
  local a = call('HMGET', q.p .. 'a', 'message', 'commit', 'seed', 'transcript', 'calls', 'summary', 'touched')
  if a[7] then touch_members(q, tonumber(a[7])) end
  local counters = call('HMGET', q.p .. 'n', unpack(COUNTERS))
  local out = {
    CODE.NONE, st[EPOCH], q.phase, q.ms, st[S], st[C], st[E], st[TAIL], st[N], st[SEEDED], call('ZCARD', q.p .. 'w'),
    call('ZCARD', q.p .. 'l'), call('ZCARD', q.p .. 'c'), st[FREE], st[HELD],
    speed < 0 and -1 or floor(speed * 1000), floor(cf.A / (cf.notice / 1000) * 1000), floor(cf.open_at / 1000),
    cf.capacity, floor(cf.rate * 1000), floor(st[LIVE] * 1000), due, max(0, floor(q.back / 1000)),
    table.concat(gaps, ' '), a[1] or '', a[2] or '', a[3] or '', a[4] or '', a[5] or '',
  }
  for i = 1, #COUNTERS do out[#out + 1] = tonumber(counters[i] or 0) end
  out[#out + 1] = ahead_of(q, st[TAIL])
  out[#out + 1] = effective_capacity(q)
  out[#out + 1] = a[6] and max(0, q.ms - tonumber(a[6])) or -1
  return out
end

-- ARGV: epoch, first (from 0), how many. Answers {code, epoch, calls so far, digest of them, the calls asked for "ticket,..."}.
local function queue_calls(keys, argv)
  local q, code, other = open_queue(keys[1], argv[1])
  if not q then return { code, other } end
  local first = tonumber(argv[2])
  local log = q.p .. 'k'
  local tickets = call('LRANGE', log, first, first + min(10000, tonumber(argv[3])) - 1)
  local total = call('LLEN', log)
  local digest = total > 0 and call('HGET', q.p .. 'a', 'calls') or ''
  return { CODE.NONE, q.st[EPOCH], total, digest, table.concat(tickets, ',') }
end

-- ARGV: epoch, seed (hex), N, transcript. Opens the queue after the draw, once, and only for the cohort that was drawn.
local function queue_reveal(keys, argv)
  local q, code, epoch = open_queue(keys[1], argv[1])
  if not q then return { code, epoch } end
  local st = q.st
  if st[SEEDED] == 1 then return { CODE.NONE, st[EPOCH] } end
  local transcript = call('HGET', q.p .. 'a', 'transcript') or ''
  if transcript == '' and st[N] > 0 then   -- the lobby was lost: those drawn are its members
    st[N] = tonumber(argv[3])
    st[TAIL] = max(st[TAIL], st[N])
  end
  if st[N] ~= tonumber(argv[3]) or (transcript ~= argv[4] and transcript ~= '') then
    return { CODE.REFUSED, st[EPOCH] }
  end
  st[SEEDED], st[CT], q.dirty = 1, 0, true
  call('HSET', q.p .. 'a', 'seed', argv[2], 'transcript', argv[4])
  q.phase = phase_of(st, q.cf, q.us)
  advance(q)
  close_queue(q)
  return { CODE.NONE, st[EPOCH] }
end

-- A running lease proves that S had passed its ticket.
local function restore_lease(q, member, n, lease_end)
  local st = q.st
  lease_end = min(lease_end, q.ms + q.cf.lease_max)
  if lease_end <= q.ms or call('HEXISTS', q.p .. 'g', member) == 1 then return end
  if q.phase == PHASE.REBUILD then
    if st[S] <= n then st[S], st[CS], st[CC] = n + 1, n + 1, 0 end
  elseif n >= st[S] or get_seen(q, n) == SEEN_SERVED then
    return
  end
  local called = call('ZSCORE', q.p .. 'c', string.format('%d', n)) and 1 or 0   -- its own slot
  if call('ZCARD', q.p .. 'l') + call('ZCARD', q.p .. 'c') - called >= q.cf.capacity then return end
  call('ZREM', q.p .. 'c', string.format('%d', n))
  call('ZREM', q.p .. 'w', string.format('%d', n))
  call('ZADD', q.p .. 'l', string.format('%d', lease_end), member)
  call('HSET', q.p .. 'g', member, string.format('%d:%d:r', n, q.ms))
  q.dirty = true
end

-- Whether a place in the lobby can still be that of whoever shows it, and not one given again since the loss.
local function lobby_place_kept(q, number)
  if q.st[N] >= 0 and number >= q.st[N] then return false end
  if q.phase == PHASE.REBUILD then return true end
  return number < tonumber(call('HGET', q.p .. 'a', 'kept') or math.huge)
end

-- ARGV: member, epoch, number, kind (0, 1), lease end (ms; 0 none), drawn ticket (answering RESOLVE): what a signed
-- ticket says, put back after a loss. A record that is there wins over the ticket, but not one in an older copy over a later one.
local function queue_restore(keys, argv)
  local q, code, epoch = open_queue(keys[1], argv[2])
  if not q then return refuse(code, epoch) end
  if q.phase == PHASE.NONE then return answer(q, CODE.NO_GATE) end
  local member, st = argv[1], q.st
  local number, kind = tonumber(argv[3]), tonumber(argv[4])
  local has, has_kind = find_member(q, member)
  if has and kind == KIND.TICKET and has_kind ~= KIND.LOBBY and number > has then has = nil end   -- a place taken since
  if has and has_kind > KIND.TICKET then return answer(q, CODE.NONE) end
  if has and (has ~= number or has_kind ~= kind) then
    if has_kind == kind then tally(q, 'conflict', 1) end
    number, kind = has, has_kind
  elseif not has then
    if number >= st[TAIL] + SLACK or (kind == KIND.LOBBY and not lobby_place_kept(q, number)) then
      return answer(q, CODE.NONE)
    end
    put_member(q, member, number, kind)
    tally(q, 'restored', 1)
    if number >= st[TAIL] then st[TAIL] = number + 1 end
    q.dirty = true
  end
  if kind == KIND.TICKET and number == tonumber(argv[3]) then   -- another place's pass opens nothing
    restore_lease(q, member, number, tonumber(argv[5]) or 0)
  end
  return answer(q, place(q, member, number, kind, argv[6]))
end

-- Points in time of a history, whose scores are numbers of tickets.
local function shift_points(key, ms)
  local points = call('ZRANGE', key, 0, -1, 'WITHSCORES')
  if #points == 0 then return end
  local ttl = call('PTTL', key)
  call('DEL', key)
  for i = 1, #points, 2 do call('ZADD', key, points[i + 1], string.format('%d', points[i] - ms)) end
  if ttl > 0 then call('PEXPIRE', key, ttl) end
end

-- ARGV: epoch, verb. rebase: the clock was set back and stays so; take the times of the state along. Check-ins stay:
-- they count as fresh for longer by as much.
local function queue_admin(keys, argv)
  local q, code, epoch = open_queue(keys[1], argv[1])
  if not q then return { code, epoch } end
  if argv[2] ~= 'rebase' then return { CODE.REFUSED, q.st[EPOCH] } end
  local back = max(0, q.back)
  local ms = floor(back / 1000)
  for _, i in ipairs { HW, CT, TAT, HT, ADV, T0, RB, CK, CREATED } do
    if q.st[i] > 0 then q.st[i] = q.st[i] - back end
  end
  for _, name in ipairs { 'c', 'l' } do
    local members = call('ZRANGE', q.p .. name, 0, -1)
    for i = 1, #members do call('ZINCRBY', q.p .. name, -ms, members[i]) end
  end
  local grants = call('HGETALL', q.p .. 'g')
  for i = 1, #grants, 2 do
    local ticket, claimed, back = string.match(grants[i + 1], '^(%d+):(%d+)(.*)$')
    call('HSET', q.p .. 'g', grants[i], string.format('%s:%d%s', ticket, claimed - ms, back))
  end
  if ms > 0 then
    shift_points(q.p .. 'h', ms)
    shift_points(q.p .. 'j', ms)
  end
  q.us, q.dirty = q.us - back, true
  close_queue(q)
  return { CODE.NONE, q.st[EPOCH] }
end

-- ARGV: an old epoch, first bucket, how many. Unlinks that part of it; answers {next bucket, 0 at the end}.
local function queue_sweep(keys, argv)
  local q = open_queue(keys[1], 0, true)
  local old, first, count = tonumber(argv[1]), tonumber(argv[2]), min(4096, tonumber(argv[3]))
  if old >= q.st[EPOCH] then return { 0 } end
  local p = string.format('%s:e%d:', keys[1], old)
  for i = first, first + count - 1 do
    call('UNLINK', p .. 'b:' .. string.format('%d', i), p .. 's:' .. string.format('%d', i))
  end
  local buckets = tonumber(call('HGET', q.p .. 'a', 'old_buckets') or 0)
  if first + count < max(1024, q.cf.buckets, buckets) then return { first + count } end
  for i = 1, #EPOCH_KEYS do call('UNLINK', p .. EPOCH_KEYS[i]) end
  return { 0 }
end

-- Names and values of state and settings, for people and tests.
local function queue_info(keys)
  local q = open_queue(keys[1], 0, true)
  local names = {
    'epoch', 'hw', 'tail', 'S', 'E', 'C', 'ct', 'tat', 'ht', 'N', 'rebuilding', 'free', 'held', 'adv', 'cS', 'cc', 'live',
    'seeded', 'speed', 't0', 'rb', 'ck', 'created', 'gaps',
  }
  local out = { 'phase', tostring(q.phase), 'us', string.format('%.0f', q.us) }
  for i = 1, FIELDS do
    out[#out + 1] = names[i]
    out[#out + 1] = string.format('%.17g', q.st[i])
  end
  for i = 1, #q.gaps do
    for at = 1, 2 do
      out[#out + 1] = string.format('gap%d_%s', i, at == 1 and 'from' or 'to')
      out[#out + 1] = string.format('%.17g', q.gaps[i][at])
    end
  end
  for i = 1, #CONFIG do
    out[#out + 1] = CONFIG[i][1]
    out[#out + 1] = string.format('%.17g', q.cf[CONFIG[i][1]])
  end
  for _, name in ipairs { 'calls', 'leases', 'late' } do
    out[#out + 1] = name
    out[#out + 1] = tostring(call('ZCARD', q.p .. string.sub(name == 'late' and 'w' or name, 1, 1)))
  end
  return out
end

register('cm_queue_now', queue_now, 'allow-oom')
register('cm_queue_configure', queue_now, 'allow-oom')
register('cm_queue_calls', queue_calls, 'no-writes')
register('cm_queue_reveal', queue_reveal, 'allow-oom')
register('cm_queue_restore', queue_restore)
register('cm_queue_admin', queue_admin, 'allow-oom')
register('cm_queue_sweep', queue_sweep, 'allow-oom')
register('cm_queue_info', queue_info, 'no-writes')
register('cm_queue_join', queue_join)
register('cm_queue_status', queue_status, 'allow-oom')
register('cm_queue_release', queue_release, 'allow-oom')
register('cm_queue_verify', queue_verify, 'no-writes')
register('cm_queue_extend', queue_extend, 'allow-oom')
