import { type RedisScript, redisScript } from "../../redis/index.ts"

// The texts under keys are described in value.ts. `pcall` lets a key that holds another type count as garbage.

/**
 * Writes a filler's token, and the tags that are not there.
 * KEYS: key, tag…; ARGV: epoch, token, lease ms, least ms of the tags, "1" to seize.
 * Answers {"mine", tag tokens}, {"taken"} or {"entry", text}.
 */
export const leaseScript: RedisScript = redisScript(`
local epoch, token, least = ARGV[1], ARGV[2], tonumber(ARGV[4])
local tokens, whole = {}, true
for i = 2, #KEYS do
  local tag = redis.pcall("GET", KEYS[i])
  if type(tag) == "string" and string.find(tag, "^[%w.]+$") then
    tokens[i - 1] = tag
    local left = redis.call("PTTL", KEYS[i])
    if left >= 0 and left < least then redis.call("PEXPIRE", KEYS[i], 2 * least) end
  else
    whole = false
    tokens[i - 1] = token
    redis.call("SET", KEYS[i], token, "PX", 2 * least)
  end
end
local tags = table.concat(tokens, ",")
if ARGV[5] ~= "1" then
  local text = redis.pcall("GET", KEYS[1])
  if type(text) == "string" then
    local lease, entry = "L" .. epoch .. ":", "V" .. epoch .. ":"
    if string.sub(text, 1, #lease) == lease then return {"taken"} end
    if whole and string.sub(text, 1, #entry) == entry then
      local _, _, held = string.find(text, "^[%w.]+:%d+:%d+:([%w.,]*):", #entry + 1)
      if held == tags then return {"entry", text} end
    end
  end
end
redis.call("SET", KEYS[1], "L" .. epoch .. ":" .. token, "PX", ARGV[3])
return {"mine", tags}
`)

/**
 * Writes an entry in place of the filler's token, or of the entry that it renews, if the tags are still the same.
 * KEYS: key, tag…; ARGV: epoch, token, id of the renewed entry or "", tag tokens, life ms or "0", payload.
 * Answers 1 or 0.
 */
export const fillScript: RedisScript = redisScript(`
local epoch, token, renewed, tags, life = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local text = redis.pcall("GET", KEYS[1])
if type(text) ~= "string" then return 0 end
if renewed == "" then
  if text ~= "L" .. epoch .. ":" .. token then return 0 end
else
  local start = "V" .. epoch .. ":" .. renewed .. ":"
  if string.sub(text, 1, #start) ~= start then return 0 end
end
local tokens = {}
for i = 2, #KEYS do
  local tag = redis.pcall("GET", KEYS[i])
  tokens[i - 1] = type(tag) == "string" and tag or ""
end
if table.concat(tokens, ",") ~= tags then
  redis.call("DEL", KEYS[1])
  return 0
end
if life == "0" then
  redis.call("DEL", KEYS[1])
  return 1
end
local time = redis.call("TIME")
local made = time[1] .. string.format("%03d", math.floor(tonumber(time[2]) / 1000))
local header = table.concat({"V" .. epoch, token, made, life, tags}, ":")
redis.call("SET", KEYS[1], header .. ":" .. ARGV[6], "PX", life)
return 1
`)

/** Keeps a filler's token alive. KEYS: key; ARGV: text, ms. Answers 1 or 0. */
export const prolongScript: RedisScript = redisScript(`
if redis.pcall("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("PEXPIRE", KEYS[1], ARGV[2])
`)

/** Deletes a key that still holds a text. KEYS: key; ARGV: text. */
export const discardScript: RedisScript = redisScript(`
if redis.pcall("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end
return 0
`)

export const scripts: readonly RedisScript[] = [leaseScript, fillScript, prolongScript, discardScript]
