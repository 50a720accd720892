import type { Cache } from "rootstock/cache"
import { readSettings } from "rootstock/config"
import { type Answer, type Call, type Command, type Surroundings, UsageError } from "../command/index.ts"
import { withSystem } from "./operating.ts"
import { systemOption } from "./surroundings.ts"

/** Most keys that are listed or counted. */
const mostKeys = 10_000

/** Runs `work` with the cache of the system that `--system` names. */
async function withCache(
  call: Call,
  surroundings: Surroundings,
  work: (cache: Cache) => Promise<Answer>,
): Promise<Answer> {
  if (!/^rediss?:/.test(readSettings(surroundings.env).cache)) {
    throw new UsageError(
      "The cache is in the memory of the processes that serve, where no other can look.",
      "Set CACHE_URL to a Redis URL; /health and /metrics of the server show the counts of its own.",
    )
  }
  return withSystem(call, surroundings, ({ cache }) => work(cache))
}

const shared = { system: systemOption } as const

const keyArgument = { name: "key", sentence: "The logical key, e.g. user:1.", required: true } as const

const get: Command = {
  name: "get",
  summary: "Shows the value that is kept under a key, as JSON.",
  examples: ["cache get user:1"],
  arguments: [keyArgument],
  options: shared,
  run: (call, surroundings) =>
    withCache(call, surroundings, async (cache) => {
      const key = call.words["key"]!
      const found = await cache.inspect(key)
      if (found === undefined) return { lines: [`Nothing is kept under ${key}.`], data: null, code: 1 }
      const value: unknown = found.text === "" ? null : JSON.parse(found.text)
      return { lines: [JSON.stringify(value, undefined, 2)], data: { key, value, ttl_ms: found.ttlMs } }
    }),
}

const ttl: Command = {
  name: "ttl",
  summary: "Shows how long a key has to live, in seconds.",
  arguments: [keyArgument],
  options: shared,
  run: (call, surroundings) =>
    withCache(call, surroundings, async (cache) => {
      const key = call.words["key"]!
      const found = await cache.inspect(key)
      if (found === undefined) return { lines: [`Nothing is kept under ${key}.`], data: null, code: 1 }
      return { lines: [String(Math.ceil(found.ttlMs / 1_000))], data: { key, ttl_ms: found.ttlMs } }
    }),
}

const remove: Command = {
  name: "delete",
  summary: "Forgets what is kept under a key, in all processes.",
  arguments: [keyArgument],
  options: shared,
  run: (call, surroundings) =>
    withCache(call, surroundings, async (cache) => {
      const key = call.words["key"]!
      const present = (await cache.inspect(key)) !== undefined
      await cache.forget([key])
      const lines = [present ? `Forgot ${key}.` : `Nothing was kept under ${key}.`]
      return { lines, data: { key, deleted: present } }
    }),
}

const list: Command = {
  name: "keys",
  summary: "Lists the keys that are kept.",
  examples: ["cache keys", "cache keys 'user:*'"],
  arguments: [{ name: "pattern", sentence: "With * for any text; all keys where it is left out." }],
  options: shared,
  run: (call, surroundings) =>
    withCache(call, surroundings, async (cache) => {
      const keys = (await cache.find(call.words["pattern"] ?? "*", mostKeys)).sort()
      return { lines: keys.length === 0 ? ["No key is kept."] : keys, data: keys }
    }),
}

const stats: Command = {
  name: "stats",
  summary: "Shows how many keys of each pattern are kept, and whether Redis answers.",
  options: shared,
  run: (call, surroundings) =>
    withCache(call, surroundings, async (cache) => {
      const patterns = []
      for (const { pattern, ttlMs, owner, onWrite } of cache.keys) {
        const kept = (await cache.find(pattern.replaceAll(/\{\w+\}/g, "*"), mostKeys)).length
        patterns.push({ pattern, kept, ttl_ms: ttlMs, owner, on_write: onWrite })
      }
      const lines = patterns.map(({ pattern, kept, ttl_ms, on_write }) => {
        const count = kept === mostKeys ? `${kept} or more` : String(kept)
        return `${pattern.padEnd(24)} ${count.padStart(8)} kept, ${ttl_ms / 1_000} s to live, ${on_write} on write`
      })
      return { lines: [`Redis: ${cache.state}`, ...lines], data: { state: cache.state, patterns } }
    }),
}

const flush: Command = {
  name: "flush",
  summary: "Empties the cache of a system; nothing is lost but time.",
  options: shared,
  run: (call, surroundings) =>
    withCache(call, surroundings, async (cache) => {
      await cache.flush()
      return { lines: ["The cache is empty."], data: { flushed: true } }
    }),
}

export const cache: Command = {
  name: "cache",
  summary: "Looks into the cache of a system in Redis, and forgets what is in it.",
  commands: [get, ttl, list, remove, flush, stats],
}
