import { elapsed } from "../clock/index.ts"
import { ConfigError, UnavailableError } from "../errors/index.ts"
import { type RedisAddress, readRedisUrl } from "./address.ts"
import { connectRedis, type RedisConnection, type RedisReply } from "./connection.ts"
import type { RedisScript } from "./script.ts"
import { limitedWarnings, type Warn } from "./warnings.ts"

/** Told of the connections to a server, one after the other. */
export type RedisListener = {
  /** A connection can be used; its `runId` has been read. */
  connected?(connection: RedisConnection): void
  /** The present connection ended; called before its unanswered commands are refused. */
  lost?(connection: RedisConnection): void
  /** A key that was read on the connection changed, by its whole name; undefined where all keys count as changed. */
  changed?(connection: RedisConnection, key: string | undefined): void
}

export type RedisOptions = {
  /** Put before each key (default: nothing). */
  prefix?: string
  /** Longest time for the answer to a command, 5 to 60,000 ms (default 50); a connection without one in time is dropped. */
  deadlineMs?: number
  /** Longest time until a connection can be used, 10 to 60,000 ms (default 1,000). */
  connectMs?: number
  listener?: RedisListener
  /** Told that the server is away, at most once a minute (default: a process warning). */
  warn?: Warn
  /** Between 0 and 1, for the pauses between attempts. */
  random?: () => number
}

/** A connection that lived for less does not close the breaker, in milliseconds. */
const steadyMs = 5_000
const shortestPauseMs = 25
const longestPauseMs = 2_000

/**
 * A Redis server that may be away. A call while it is away is refused at once; a call that gets no answer in time ends
 * the connection. Connections are made in the background, after pauses that double while they fail or break soon: so a
 * server that hangs or flaps costs a caller next to nothing.
 */
export class Redis {
  readonly #address: RedisAddress
  readonly #prefix: string
  readonly #options: Required<Pick<RedisOptions, "deadlineMs" | "connectMs" | "random">>
  readonly #listener: RedisListener
  readonly #warn: Warn
  readonly #closing = new AbortController()
  #connection: RedisConnection | undefined
  #attempt: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  /** Attempts that failed and connections that broke soon, without a steady connection in between. */
  #failures = 0
  #connectedAt = 0

  constructor(url: string, options: RedisOptions = {}) {
    this.#address = readRedisUrl(url)
    this.#prefix = options.prefix ?? ""
    this.#options = {
      deadlineMs: limited("deadlineMs", options.deadlineMs ?? 50, 5),
      connectMs: limited("connectMs", options.connectMs ?? 1_000, 10),
      random: options.random ?? Math.random,
    }
    this.#listener = options.listener ?? {}
    this.#warn = limitedWarnings(options.warn ?? ((message) => process.emitWarning(message)))
  }

  get state(): "connected" | "away" {
    return this.#connection === undefined ? "away" : "connected"
  }

  /** The connection that can be used at present; for who must know that the server did not change in between. */
  get connection(): RedisConnection | undefined {
    return this.#connection
  }

  /** Host, port and database for people. */
  get place(): string {
    return this.#address.shown
  }

  get prefix(): string {
    return this.#prefix
  }

  /** Connects; resolves after the first attempt, also where that fails. */
  start(): Promise<void> {
    if (this.#connection === undefined && this.#timer === undefined) this.#connect()
    return this.#attempt ?? Promise.resolve()
  }

  /**
   * Ends a connection that is of no use, or may lead to a server that is the right one no more, and makes another.
   *
   * @param reason what is wrong with the server, where it is to be warned of
   */
  reconnect(connection: RedisConnection, reason?: Error): void {
    connection.drop()
    this.#lost(connection, reason)
  }

  /** Ends the connection and the attempts; idempotent. */
  async close(): Promise<void> {
    this.#closing.abort()
    clearTimeout(this.#timer)
    const connection = this.#connection
    this.#connection = undefined
    connection?.drop()
    if (connection !== undefined) this.#listener.lost?.(connection)
    await this.#attempt
  }

  /** The text under a key, or undefined. */
  async get(key: string): Promise<string | undefined> {
    return ((await this.#send(["GET", this.#prefix + key])) as string | null) ?? undefined
  }

  /** The texts under several keys, in their order. */
  async getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    if (keys.length === 0) return []
    const texts = (await this.#send(["MGET", ...this.#prefixed(keys)])) as readonly (string | null)[]
    return texts.map((text) => text ?? undefined)
  }

  /** Sets the text under a key, in place of what is there. @param ttlMs how long it lives, from 1 */
  async set(key: string, text: string, ttlMs: number): Promise<void> {
    await this.#send(["SET", this.#prefix + key, text, "PX", String(ttlMs)])
  }

  /** How many of the keys were there. */
  async delete(...keys: readonly string[]): Promise<number> {
    if (keys.length === 0) return 0
    return (await this.#send(["DEL", ...this.#prefixed(keys)])) as number
  }

  /** Milliseconds that a key has to live: undefined where it is not there, infinity where it never ends. */
  async timeToLive(key: string): Promise<number | undefined> {
    const milliseconds = (await this.#send(["PTTL", this.#prefix + key])) as number
    if (milliseconds === -2) return undefined
    return milliseconds === -1 ? Number.POSITIVE_INFINITY : milliseconds
  }

  /** Runs a script; its keys get the prefix. */
  run(script: RedisScript, keys: readonly string[], values: readonly string[] = []): Promise<RedisReply> {
    const connection = this.#connection
    return connection === undefined
      ? Promise.reject(this.#away())
      : connection.run(script, this.#prefixed(keys), values)
  }

  /**
   * Keys that match a glob pattern of Redis, without the prefix; at most `limit`, in no order. It goes through all keys
   * of the server, in portions.
   */
  async scan(pattern: string, limit: number): Promise<string[]> {
    const found = new Set<string>()
    const match = this.#prefix.replace(/[\\*?[\]]/g, "\\$&") + pattern
    let cursor = "0"
    do {
      const command = ["SCAN", cursor, "MATCH", match, "COUNT", "1000"]
      const [next, keys] = (await this.#send(command)) as [string, readonly string[]]
      for (const key of keys) if (found.size < limit) found.add(key.slice(this.#prefix.length))
      cursor = next
    } while (cursor !== "0" && found.size < limit)
    return [...found]
  }

  #prefixed(keys: readonly string[]): readonly string[] {
    return this.#prefix === "" ? keys : keys.map((key) => this.#prefix + key)
  }

  #send(parts: readonly string[]): Promise<RedisReply> {
    return this.#connection === undefined ? Promise.reject(this.#away()) : this.#connection.send(parts)
  }

  #away(): UnavailableError {
    return new UnavailableError(`Redis at ${this.place} is away.`, {
      cure: "Look whether it runs and can be reached; it is tried again by itself.",
    })
  }

  #connect(): void {
    this.#timer = undefined
    this.#attempt = this.#tryOnce().finally(() => {
      this.#attempt = undefined
    })
  }

  async #tryOnce(): Promise<void> {
    const { changed } = this.#listener
    let connection: RedisConnection | undefined
    try {
      connection = await connectRedis(
        {
          address: this.#address,
          deadlineMs: this.#options.deadlineMs,
          connectMs: this.#options.connectMs,
          tracked: changed !== undefined,
          changed: (key) => connection !== undefined && this.#listener.changed?.(connection, key),
          lost: (reason) => connection !== undefined && this.#lost(connection, reason),
        },
        this.#closing.signal,
      )
    } catch (error) {
      this.#failed(error as Error)
      return
    }
    if (this.#closing.signal.aborted) {
      connection.drop()
      return
    }
    this.#connection = connection
    this.#connectedAt = elapsed()
    this.#listener.connected?.(connection)
  }

  #lost(connection: RedisConnection, reason: Error | undefined): void {
    if (this.#connection !== connection) return
    this.#connection = undefined
    if (elapsed() - this.#connectedAt >= steadyMs) this.#failures = 0
    this.#listener.lost?.(connection)
    this.#failed(reason)
  }

  #failed(reason: Error | undefined): void {
    if (this.#closing.signal.aborted) return
    const pause = Math.min(longestPauseMs, shortestPauseMs * 2 ** Math.min(this.#failures++, 20))
    this.#timer = setTimeout(() => this.#connect(), pause * (0.75 + this.#options.random() / 2))
    if (reason === undefined) return
    this.#warn(
      `Redis at ${this.place} is away (${reasonOf(reason)}); everything is answered from the database until it is back.`,
      reason,
    )
  }
}

/** What went wrong, in words that never hold the user or the password. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  return error.message === "" ? error.name : error.message
}

function limited(name: string, value: number, least: number): number {
  if (Number.isFinite(value) && value >= least && value <= 60_000) return value
  throw new ConfigError(`${name} of Redis must be ${least} to 60,000 milliseconds, not ${value}.`, {
    cure: "Leave it out, or give a number in that range.",
  })
}

/**
 * Opens a Redis server for use. A server that is away is no error: the state says so, and it is tried again in the
 * background. Close it at the end.
 *
 * @param url `redis://[user:password@]host[:port][/database]`, or `rediss://` with TLS
 * @throws ConfigError for a wrong URL or option
 *
 * ### Examples
 *
 * ```ts
 * const redis = await openRedis("redis://localhost:6379/0", { prefix: "shop:" })
 * if (redis.state === "connected") await redis.set("greeting", "hello", 60_000)
 * await redis.close()
 * ```
 */
export async function openRedis(url: string, options: RedisOptions = {}): Promise<Redis> {
  const redis = new Redis(url, options)
  await redis.start()
  return redis
}
