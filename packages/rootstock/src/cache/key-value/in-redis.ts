import { openRedis, type Redis, type RedisOptions, redisScript } from "../../redis/index.ts"
import type { Store } from "./store.ts"

/** Keys that are deleted in one step. */
const portion = 1_000

/** Adds to a whole number. KEYS: key; ARGV: what is added, ms. Answers the sum, or nothing where there is no number. */
const incrementScript = redisScript(`
local present = redis.call("GET", KEYS[1])
if present and not string.find(present, "^%-?%d+$") then return false end
local sum = redis.call("INCRBY", KEYS[1], ARGV[1])
if not present then redis.call("PEXPIRE", KEYS[1], ARGV[2]) end
return sum
`)

/** Texts in Redis, for all processes that know it. */
export class RedisStore implements Store {
  readonly #redis: Redis

  constructor(redis: Redis) {
    this.#redis = redis
  }

  static async open(url: string, options: RedisOptions): Promise<RedisStore> {
    return new RedisStore(await openRedis(url, options))
  }

  get state(): "connected" | "away" {
    return this.#redis.state
  }

  getMany(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    return this.#redis.getMany(keys)
  }

  set(key: string, text: string, ttlMs: number): Promise<void> {
    return this.#redis.set(key, text, ttlMs)
  }

  async increment(key: string, by: number, ttlMs: number): Promise<number | undefined> {
    const sum = await this.#redis.run(incrementScript, [key], [String(by), String(ttlMs)])
    return typeof sum === "number" ? sum : undefined
  }

  async delete(keys: readonly string[]): Promise<number> {
    let deleted = 0
    for (let at = 0; at < keys.length; at += portion)
      deleted += await this.#redis.delete(...keys.slice(at, at + portion))
    return deleted
  }

  keys(beginning: string): Promise<readonly string[]> {
    return this.#redis.scan(`${beginning.replace(/[\\*?[\]]/g, "\\$&")}*`, Number.POSITIVE_INFINITY)
  }

  close(): Promise<void> {
    return this.#redis.close()
  }
}
