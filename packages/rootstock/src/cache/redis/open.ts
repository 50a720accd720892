import { elapsed } from "../../clock/index.ts"
import { limitedWarnings, type Warn } from "../../redis/index.ts"
import type { Database } from "../../storage/index.ts"
import type { MemoryLimits } from "../memory.ts"
import { type CoherenceMode, RedisCoherence } from "./coherence.ts"
import type { Timers } from "./ports.ts"
import { RealServer } from "./server.ts"
import { DatabaseStore } from "./store.ts"

export type RedisCacheOptions = {
  /** Put before each logical key in Redis (default: nothing). */
  prefix?: string | undefined
  /** What an acknowledged write means to readers (default `strict`); the same in every process of a system. */
  coherence?: CoherenceMode | undefined
  /** Whether values are kept in this process too (default true). */
  local?: boolean | undefined
  /** Bounds of the process's memory. */
  memory?: MemoryLimits | undefined
  /** Longest time for an answer of Redis, 5 to 60,000 ms (default 50). */
  deadlineMs?: number | undefined
  /** Told of what goes wrong in the background, and that Redis is away; at most once a minute each. */
  warn?: Warn | undefined
  /** Between 0 and 1 (default: Math.random). */
  random?: (() => number) | undefined
}

/** The machine's time and chance. */
export function realTimers(random: () => number = Math.random): Timers {
  return {
    now: elapsed,
    after(milliseconds, work) {
      // Timers count whole milliseconds, and a writer waits for parts of one: those are waited for turn by turn.
      if (milliseconds < 1) {
        const turn = setImmediate(work)
        return () => clearImmediate(turn)
      }
      const timer = setTimeout(work, Math.floor(milliseconds))
      return () => clearTimeout(timer)
    },
    soon: (work) => process.nextTick(work),
    random,
  }
}

/**
 * Coherence over a Redis server for the rows of a database; to be started and stopped.
 *
 * @param url `redis://[user:password@]host[:port][/database]`, or `rediss://` with TLS
 * @throws ConfigError for a wrong URL, or a database without the control tables
 */
export function redisCoherence(url: string, database: Database, options: RedisCacheOptions = {}): RedisCoherence {
  const { coherence: mode = "strict", local = true, random = Math.random } = options
  // One limit for all that there is to say.
  const warn = limitedWarnings(options.warn ?? ((message) => process.emitWarning(message)))
  const server = new RealServer(
    url,
    {
      random,
      warn,
      ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
      ...(options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs }),
    },
    local,
  )
  return new RedisCoherence({
    server,
    store: mode === "ttl" ? undefined : new DatabaseStore(database),
    timers: realTimers(random),
    mode,
    local,
    memory: options.memory,
    warn,
  })
}
