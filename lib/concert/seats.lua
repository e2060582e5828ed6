-- The seat-state cache of a concert. It is told of changes after they were committed, is rebuilt from PostgreSQL
-- when missing, compared with it now and then, and never decides a sale.
--
--   seats:{C}    string, one letter a seat in layout order
--   seats:{C}:v  string, version; rises by one a change, starts at the time in microseconds, so that the
--                version of a lost cache is never met again
--   seats:{C}:d  list of the latest changes "position letter", the last one made the present version
--   seats:{C}:c  there while the comparison with PostgreSQL isn't due
--
-- cm_seats_read  KEYS seats:{C}  ARGV since    -> {version, now ms, 1 when a comparison is due, letters | nil, changes}
--   version 0: there is no cache. letters are nil when all changes since are known.
-- cm_seats_put   KEYS seats:{C}  ARGV letter, position ...     -> changes made
-- cm_seats_begin KEYS seats:{C}                -> version; changes are kept from now on
-- cm_seats_fill  KEYS seats:{C}  ARGV version from begin, letters   -> 1; 0 when too much changed meanwhile
-- cm_seats_heal  KEYS seats:{C}  ARGV version from begin, position, letter ...  -> corrections made
--   What changed since that version is left as it is, and so is what is right already.

local SEATS_LOG, SEATS_TTL, SEATS_CHECK_MS = 4096, 86400, 10000

local function seats_log(key, letter, positions, first)
  local version = tonumber(call('GET', key .. ':v'))
  if not version then return 0 end
  local size = call('STRLEN', key)
  for i = first, #positions do
    local position = tonumber(positions[i])
    call('RPUSH', key .. ':d', positions[i] .. ' ' .. letter)
    if position < size then call('SETRANGE', key, position, letter) end
  end
  local n = #positions - first + 1
  call('SET', key .. ':v', string.format('%.0f', version + n), 'EX', SEATS_TTL)
  call('LTRIM', key .. ':d', -SEATS_LOG, -1)
  call('EXPIRE', key .. ':d', SEATS_TTL)
  return n
end

local function seats_put(key, letter, positions, first)
  if first > #positions then return 0 end
  return seats_log(key, letter, positions, first)
end

local function seats_now()
  local t = call('TIME')
  return t[1] * 1000000 + t[2]
end

local function seats_since(key, version, since)
  local n = version - since
  if since <= 0 or n < 0 or n > call('LLEN', key .. ':d') then return nil end
  if n == 0 then return {} end
  return call('LRANGE', key .. ':d', -n, -1)
end

local function seats_read(keys, argv)
  local key, now = keys[1], math.floor(seats_now() / 1000)
  local version = tonumber(call('GET', key .. ':v')) or 0
  if version == 0 or call('EXISTS', key) == 0 then return { 0, now, 1, false, {} } end
  local due = call('SET', key .. ':c', 1, 'NX', 'PX', SEATS_CHECK_MS) and 1 or 0
  local changes = seats_since(key, version, tonumber(argv[1]) or 0)
  if changes then return { version, now, due, false, changes } end
  return { version, now, due, call('GET', key), {} }
end

local function seats_begin(keys)
  local key = keys[1] .. ':v'
  call('SET', key, string.format('%.0f', seats_now()), 'NX', 'EX', SEATS_TTL)
  return tonumber(call('GET', key))
end

local function seats_fill(keys, argv)
  local key, begun = keys[1], tonumber(argv[1])
  local version = tonumber(call('GET', key .. ':v'))
  local changes = version and seats_since(key, version, begun)
  if not changes then return 0 end
  call('SET', key, argv[2], 'EX', SEATS_TTL)
  for _, change in ipairs(changes) do
    local position, letter = change:match('^(%d+) (%a)$')
    call('SETRANGE', key, position, letter)
  end
  call('DEL', key .. ':d')
  call('SET', key .. ':v', string.format('%.0f', version + 1), 'EX', SEATS_TTL)
  call('SET', key .. ':c', 1, 'PX', SEATS_CHECK_MS)
  return 1
end

local function seats_heal(keys, argv)
  local key, begun, made, later = keys[1], tonumber(argv[1]), 0, {}
  local version = tonumber(call('GET', key .. ':v'))
  local changes = version and seats_since(key, version, begun)
  if not changes or call('EXISTS', key) == 0 then return 0 end
  for _, change in ipairs(changes) do later[change:match('^%d+')] = true end
  for i = 2, #argv - 1, 2 do
    local position, letter = argv[i], argv[i + 1]
    if not later[position] and call('GETRANGE', key, position, position) ~= letter then
      made = made + seats_log(key, letter, { position }, 1)
    end
  end
  return made
end

register('cm_seats_read', seats_read)
register('cm_seats_put', function(keys, argv) return seats_put(keys[1], argv[1], argv, 2) end)
register('cm_seats_begin', seats_begin)
register('cm_seats_fill', seats_fill)
register('cm_seats_heal', seats_heal)
