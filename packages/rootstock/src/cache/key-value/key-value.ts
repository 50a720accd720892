import { ConfigError, DeclarationError, ValidationError } from "../../errors/index.ts"
import type { Warn } from "../../redis/index.ts"
import { shown } from "../../schema/index.ts"
import { type Duration, milliseconds } from "../duration.ts"
import { freezeDeep } from "../frozen.ts"
import type { MemoryLimits } from "../memory.ts"
import { decodeValue, encodeValue } from "../value-json.ts"
import { MemoryStore } from "./in-memory.ts"
import { RedisStore } from "./in-redis.ts"
import type { Store } from "./store.ts"

export type KeyValueOptions = {
  /** Where the values lie: `memory:` (default) in this process, `redis://host:6379/0` for all processes. */
  url?: string | undefined
  /** The first word of its keys in Redis: letters, digits, `_`, `.` and `-`. */
  name: string
  /** Put before the name (default: nothing). */
  prefix?: string | undefined
  /** Bounds of the process's memory, with `memory:`. */
  memory?: MemoryLimits | undefined
  /** Longest time for an answer of Redis, 5 to 60,000 ms (default 50). */
  deadlineMs?: number | undefined
  /** Told that Redis is away, at most once a minute (default: a process warning). */
  warn?: Warn | undefined
}

/** First words that are the library's own in Redis. */
const taken = new Set(["tag", "set", "state", "renew"])
const longestKey = 1_024

/**
 * Values under keys, each for a while: rate limits, codes to be typed in, answers of slow services.
 *
 * It has no database behind it, so nothing of what cached rows and results promise holds: a value can be gone before its
 * time (memory is bounded, Redis may restart), and nothing makes it forget but its time and its users. What must not be
 * lost, or must agree with the database, belongs there. While Redis is away every call is rejected with an
 * UnavailableError, for the caller to decide what that means.
 */
export class KeyValueCache {
  readonly #store: Store
  readonly #beginning: string

  constructor(store: Store, beginning: string) {
    this.#store = store
    this.#beginning = beginning
  }

  get state(): "connected" | "away" {
    return this.#store.state
  }

  /** The value under a key, each time as data of its own; undefined where there is none. */
  async get(key: string): Promise<unknown> {
    return (await this.getMany([key]))[0]
  }

  /** The values under several keys, in their order. */
  async getMany(keys: readonly string[]): Promise<unknown[]> {
    const texts = await this.#store.getMany(this.#named(keys))
    return texts.map((text) => (text === undefined ? undefined : readable(text)))
  }

  async has(key: string): Promise<boolean> {
    return (await this.get(key)) !== undefined
  }

  /**
   * Sets the value under a key, in place of what is there.
   *
   * @param value plain data: objects, arrays, texts, numbers, bigints, booleans, null, dates; undefined is no value
   * @param ttl how long it lives, up to a year
   * @throws ValidationError for a value that is no plain data
   *
   * ### Examples
   *
   * ```ts
   * await codes.set(email, { code: "481516", tries: 0 }, "10m")
   * ```
   */
  async set(key: string, value: unknown, ttl: Duration): Promise<void> {
    await this.#store.set(this.#own(key), textOf(key, value), milliseconds("ttl", ttl))
  }

  /**
   * Adds to the whole number under a key, in one step, and gives the sum. A number that is not there is 0, and lives so long
   * from then on: adding does not prolong it.
   *
   * @param by a whole number (default 1)
   * @throws ValidationError where something else than a whole number is there
   *
   * ### Examples
   *
   * ```ts
   * if ((await limits.increment(`login:${address}`, "1m")) > 10) throw new TooManyAttempts()
   * ```
   */
  async increment(key: string, ttl: Duration, by = 1): Promise<number> {
    if (!Number.isSafeInteger(by)) {
      throw new ValidationError(`${shown(by)} cannot be added to a number under a key.`, {
        cure: "Add a whole number.",
      })
    }
    const sum = await this.#store.increment(this.#own(key), by, milliseconds("ttl", ttl))
    if (sum !== undefined) return sum
    throw new ValidationError(`The value under ${shown(key)} is no whole number, so nothing can be added to it.`, {
      cure: "Count under a key of its own.",
    })
  }

  /** Deletes values; how many were there. */
  delete(...keys: readonly string[]): Promise<number> {
    return keys.length === 0 ? Promise.resolve(0) : this.#store.delete(this.#named(keys))
  }

  /** All keys, in no order. Redis goes through all keys that it has. */
  async keys(): Promise<string[]> {
    return (await this.#store.keys(this.#beginning)).map((key) => key.slice(this.#beginning.length))
  }

  /** Deletes all values, those of its namespaces too. */
  async clear(): Promise<void> {
    await this.#store.delete(await this.#store.keys(this.#beginning))
  }

  /** A part of it, whose keys begin with the name and a colon. It is closed with the whole. */
  namespace(name: string): KeyValueCache {
    return new KeyValueCache(this.#store, `${this.#own(name)}:`)
  }

  /** Forgets what is in this process, and ends the connection; idempotent. */
  close(): Promise<void> {
    return this.#store.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #named(keys: readonly string[]): readonly string[] {
    return keys.map((key) => this.#own(key))
  }

  #own(key: string): string {
    if (typeof key === "string" && key !== "" && key.length <= longestKey && key.isWellFormed()) {
      return this.#beginning + key
    }
    throw new ValidationError(`${shown(key)} is no key.`, { cure: `Give a text of 1 to ${longestKey} characters.` })
  }
}

/** Each reader gets data of its own, so the data is copied here and not frozen where its owner has it. */
function textOf(key: string, value: unknown): string {
  if (value === undefined) throw noPlainData(key, "undefined")
  let copy: unknown
  try {
    copy = structuredClone(value)
  } catch {
    throw noPlainData(key, `a ${typeof value} that cannot be copied`)
  }
  return encodeValue(freezeDeep(`The value for ${shown(key)}`, copy))
}

function noPlainData(key: string, what: string): ValidationError {
  return new ValidationError(`The value for ${shown(key)} is ${what}.`, {
    cure: "Give plain data: objects, arrays, texts, numbers, bigints, booleans, null, and dates.",
  })
}

/** What cannot be read is not there: somebody else wrote it. */
function readable(text: string): unknown {
  try {
    return decodeValue(text)
  } catch {
    return undefined
  }
}

/**
 * Opens values under keys. A Redis that is away is no error here: the state says so, and it is tried again.
 *
 * @throws ConfigError for a URL that is not understood, DeclarationError for a name that is none
 *
 * ### Examples
 *
 * ```ts
 * await using limits = await openKeyValueCache({ url: "redis://localhost:6379/0", name: "limits" })
 * await limits.increment("login:10.0.0.7", "1m")
 * ```
 */
export async function openKeyValueCache(options: KeyValueOptions): Promise<KeyValueCache> {
  const { url = "memory:", name, prefix = "", memory, deadlineMs, warn } = options
  if (!/^[\w.-]+$/.test(name) || taken.has(name)) {
    throw new DeclarationError(`${shown(name)} cannot be the name of values under keys.`, {
      cure: `Give a word of letters, digits, _, . and - other than ${[...taken].join(", ")}.`,
    })
  }
  if (url === "memory:") return new KeyValueCache(new MemoryStore(memory), `${name}:`)
  if (!/^rediss?:/.test(url)) {
    throw new ConfigError("The URL of values under keys is not understood.", {
      cure: "Give memory: or redis://host:6379/0.",
    })
  }
  const store = await RedisStore.open(url, {
    prefix,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(warn === undefined ? {} : { warn }),
  })
  return new KeyValueCache(store, `${name}:`)
}
