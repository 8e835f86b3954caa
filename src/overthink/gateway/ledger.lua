-- A ledger in Redis or Valkey: reserve, extend, settle, usage, anchor, heads and families, each in one call of this script.
-- KEYS[1] prefix of all keys, with a hash tag; ARGV[1] operation; ARGV[2] its arguments as JSON. Returns JSON.
-- sqlite_ledger.py is the same in SQL, and a test runs both side by side.
local P, op, a = KEYS[1], ARGV[1], cjson.decode(ARGV[2])
local BUCKETS, BAND_MEMBERS, LATEST = 60, 50, 100

local function whole(n) return string.format('%.0f', n) end

if redis.call('HGET', P .. 'meta', 'salt') ~= a.salt then
  return redis.error_reply('it was emptied or replaced while it was in use')
end

-- The store's time never goes back.
local now
if a.now then now = a.now else
  local t = redis.call('TIME')
  now = tonumber(t[1]) + tonumber(t[2]) / 1000000
end
local last = tonumber(redis.call('HGET', P .. 'meta', 'now') or '0')
if now < last then now = last end
redis.call('HSET', P .. 'meta', 'now', string.format('%.6f', now))

local function bucket(c) if c.window == cjson.null or not c.window then return 0 end
  return math.floor(now / c.window * BUCKETS) end
local function first_bucket(c) if c.window == cjson.null or not c.window then return 0 end
  return bucket(c) - BUCKETS end

local function sum(c)
  local key, first, total = P .. 's:' .. c.name, first_bucket(c), 0
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    if tonumber(flat[i]) < first then redis.call('HDEL', key, flat[i]) else total = total + tonumber(flat[i + 1]) end
  end
  return total
end
local function streams(c) return tonumber(redis.call('HGET', P .. 'streams', c.name) or '0') end
local function share(free, n, tokens, whole_answer)
  if free <= 0 or tokens <= 0 then return 0 end
  return math.min(tokens, free, math.max(1, math.floor(free / ((whole_answer and 1 or 2) * math.max(1, n)))))
end
local function to_sum(name, b, amount) redis.call('HINCRBY', P .. 's:' .. name, whole(b), whole(amount)) end
local function kind(c) if c.tries then return 'tries' elseif c.prompts then return 'prompts' end return 'tokens' end
local function add(id, c, amount)
  local b = bucket(c)
  to_sum(c.name, b, amount)
  redis.call('HINCRBY', P .. 'h:' .. id, kind(c) .. '|' .. whole(b) .. '|' .. c.name, whole(amount))
end

-- Put what was used in the place of what was reserved, newest bucket first; none is left below 0.
local function finish(id, used, prompt, tries)
  if redis.call('ZREM', P .. 'expiry', id) == 0 then return end
  local flat, by = redis.call('HGETALL', P .. 'h:' .. id), {}
  for i = 1, #flat, 2 do
    local k, b, name = string.match(flat[i], '^(%a+)|(%d+)|(.*)$')
    by[name] = by[name] or { kind = k, holds = {} }
    table.insert(by[name].holds, { tonumber(b), tonumber(flat[i + 1]) })
  end
  for name, entry in pairs(by) do
    table.sort(entry.holds, function(x, y) return x[1] > y[1] end)
    local final = entry.kind == 'tries' and tries or entry.kind == 'prompts' and used + prompt or used
    local excess = -final
    for _, hold in ipairs(entry.holds) do excess = excess + hold[2] end
    if excess < 0 then to_sum(name, entry.holds[1][1], -excess) end
    for _, hold in ipairs(entry.holds) do
      local back = math.max(0, math.min(excess, hold[2]))
      excess = excess - back
      if back > 0 and redis.call('HEXISTS', P .. 's:' .. name, whole(hold[1])) == 1 then to_sum(name, hold[1], -back) end
    end
    if entry.kind ~= 'tries' and redis.call('HINCRBY', P .. 'streams', name, -1) <= 0 then
      redis.call('HDEL', P .. 'streams', name)
    end
  end
  redis.call('DEL', P .. 'h:' .. id, P .. 'r:' .. id)
end

local function reap()
  local lapses = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'expiry', '-inf', '(' .. string.format('%.6f', now))) do
    local r = redis.call('HMGET', P .. 'r:' .. id, 'used', 'prompt', 'tries', 'note', 'family')
    table.insert(lapses, { id, tonumber(r[1]), r[4], r[5], tonumber(r[2]), tonumber(r[3]) })
    finish(id, tonumber(r[1]), tonumber(r[2]), tonumber(r[3]))
    redis.call('SET', P .. 'l:' .. id, r[1], 'EX', math.ceil(LATEST * a.seconds))
  end
  return lapses
end

local function bytes(hex) return (hex:gsub('..', function(two) return string.char(tonumber(two, 16)) end)) end

-- The family of a request: that of an equal one, else of the nearest near copy, else a new one; and which of the three.
local function family(f)
  local names, signatures = P .. 'f:' .. f.scope, P .. 'g:' .. f.scope
  local known = redis.call('HGET', names, f.exact)
  if known then return known, 'member' end
  local own, best, name = bytes(f.signature), f.threshold, nil
  for _, band in ipairs(f.bands) do
    local near = redis.call('ZRANGE', P .. 'b:' .. f.scope .. ':' .. band, 0, BAND_MEMBERS - 1)
    for _, exact in ipairs(near) do
      local other, same = bytes(redis.call('HGET', signatures, exact)), 0
      for i = 1, #own do if own:byte(i) == other:byte(i) then same = same + 1 end end
      local overlap = same / #own
      if overlap > best or (overlap == best and not name) then
        best, name = overlap, redis.call('HGET', names, exact)
      end
    end
  end
  if name then return name, 'near' end
  return f.new, 'new'
end

-- Add a request that was granted to its family; a refused one leaves nothing behind.
local function add_member(f, name, how)
  if how == 'member' then return end
  if how == 'new' then
    for _, band in ipairs(f.bands) do
      local key = P .. 'b:' .. f.scope .. ':' .. band
      local members = redis.call('ZCARD', key)
      if members < BAND_MEMBERS then redis.call('ZADD', key, members, f.exact) end  -- the oldest first
    end
    redis.call('SADD', P .. 'n:' .. f.scope, name)
  end
  redis.call('HSET', P .. 'f:' .. f.scope, f.exact, name)
  redis.call('HSET', P .. 'g:' .. f.scope, f.exact, f.signature)
end

local function anchor(head)
  local before = redis.call('HGET', P .. 'heads', head.start)
  if not before or tonumber(string.match(before, '^%d+')) < head.lines then
    redis.call('HSET', P .. 'heads', head.start, whole(head.lines) .. '|' .. head.last)
  end
end

if op == 'reserve' then
  local lapses, counters, name, how = reap(), a.counters, '', 'member'
  if a.head and a.head ~= cjson.null then anchor(a.head) end
  if a.fingerprint then
    name, how = family(a.fingerprint)
    table.insert(counters, { name = name, cap = a.fingerprint.cap, window = a.fingerprint.window, tries = true })
  end
  local tokens = a.tokens
  for _, c in ipairs(counters) do
    local prompt = c.prompts and a.prompt or 0
    local free = c.cap - sum(c)
    if free < (c.tries and a.tries or a.least + prompt) then
      return cjson.encode({ id = '', tokens = 0, family = name, refusal = c.name,
        open = streams(c), at = now, lapses = lapses })
    end
    if not c.tries then
      tokens = math.min(tokens, math.max(a.least, share(free - prompt, streams(c) + 1, tokens, a.whole)))
    end
  end
  if a.fingerprint then add_member(a.fingerprint, name, how) end
  redis.call('HSET', P .. 'r:' .. a.id, 'reserved', whole(tokens), 'used', '0', 'prompt', whole(a.prompt),
    'tries', whole(a.tries), 'note', a.note, 'family', name)
  redis.call('ZADD', P .. 'expiry', string.format('%.6f', now + a.seconds), a.id)
  for _, c in ipairs(counters) do
    add(a.id, c, c.tries and a.tries or tokens + (c.prompts and a.prompt or 0))
    if not c.tries then redis.call('HINCRBY', P .. 'streams', c.name, 1) end
  end
  local tries = name == '' and 0 or sum(counters[#counters])
  return cjson.encode({ id = a.id, tokens = tokens, family = name, tries = tries, refusal = '', at = now,
    lapses = lapses })
elseif op == 'extend' then
  if not redis.call('ZSCORE', P .. 'expiry', a.id) then return cjson.encode({ tokens = -1 }) end
  redis.call('ZADD', P .. 'expiry', string.format('%.6f', now + a.seconds), a.id)
  local before, tokens = tonumber(redis.call('HGET', P .. 'r:' .. a.id, 'used')), a.tokens
  redis.call('HSET', P .. 'r:' .. a.id, 'used', whole(math.max(before, a.used)))
  for _, c in ipairs(a.counters) do
    if not c.tries then tokens = share(c.cap - sum(c), streams(c), tokens) end
  end
  if tokens > 0 then
    redis.call('HINCRBY', P .. 'r:' .. a.id, 'reserved', whole(tokens))
    for _, c in ipairs(a.counters) do if not c.tries then add(a.id, c, tokens) end end
  end
  return cjson.encode({ tokens = math.max(0, tokens) })
elseif op == 'settle' then
  local lapse = redis.call('GET', P .. 'l:' .. a.id)
  if not lapse then
    finish(a.id, a.used, a.prompt, a.tries)
    return '{}'
  end
  redis.call('DEL', P .. 'l:' .. a.id)
  for _, c in ipairs(a.counters) do
    if not c.tries then to_sum(c.name, bucket(c), math.max(0, a.used - tonumber(lapse))) end
  end
  return '{}'
elseif op == 'usage' then
  reap()
  local sums = {}
  for i, c in ipairs(a.counters) do sums[i] = whole(sum(c)) end
  return cjson.encode(sums)
elseif op == 'anchor' then
  anchor(a.head)
  return '{}'
elseif op == 'heads' then
  return cjson.encode(redis.call('HGETALL', P .. 'heads'))
elseif op == 'families' then
  local rows = {}
  for _, name in ipairs(redis.call('SMEMBERS', P .. 'n:' .. a.scope)) do
    table.insert(rows, { name, sum({ name = name, window = a.window }) })
  end
  table.sort(rows, function(x, y) return x[2] > y[2] end)
  while #rows > 100 do table.remove(rows) end
  return cjson.encode(rows)
end
return redis.error_reply('no such operation')
