import { createHash } from "node:crypto"

/** A Lua script, which runs on the server as one step. */
export type RedisScript = {
  readonly text: string
  /** SHA-1 of the text, by which the server knows it. */
  readonly sha: string
}

/**
 * Declares a Lua script.
 *
 * ### Examples
 *
 * ```ts
 * const deleteIf = redisScript(`if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0`)
 * await redis.run(deleteIf, ["key"], ["expected"])
 * ```
 */
export function redisScript(text: string): RedisScript {
  const lines = text.trim()
  return Object.freeze({ text: lines, sha: createHash("sha1").update(lines).digest("hex") })
}
