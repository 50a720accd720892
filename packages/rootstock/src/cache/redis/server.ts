import { elapsed } from "../../clock/index.ts"
import { Redis, type RedisConnection, type RedisOptions, type RedisReply } from "../../redis/index.ts"
import type { Fill, LeaseAnswer, LeaseAsk, Link, Server, ServerListener } from "./ports.ts"
import { discardScript, fillScript, leaseScript, prolongScript, scripts } from "./scripts.ts"

/** After so long the difference to the server's clock is asked again, in milliseconds. */
const clockMs = 60_000

/** A connection to a real server. */
class RedisLink implements Link {
  readonly runId: string
  readonly #connection: RedisConnection
  readonly #redis: Redis
  readonly #prefix: string
  readonly #drop: () => void
  /** The server's clock less that of this process, both in milliseconds. */
  #difference = 0
  #differenceAt = 0

  constructor(connection: RedisConnection, redis: Redis, drop: () => void) {
    this.runId = connection.runId
    this.#connection = connection
    this.#redis = redis
    this.#prefix = redis.prefix
    this.#drop = drop
  }

  get open(): boolean {
    return this.#connection.open
  }

  /** Makes the server know the scripts, so that calls take effect in their order from the first one on. */
  async prepare(): Promise<void> {
    await Promise.all([this.ping(), ...scripts.map(({ text }) => this.#connection.send(["SCRIPT", "LOAD", text]))])
  }

  serverTime(): number {
    const present = elapsed()
    if (present - this.#differenceAt > clockMs) {
      this.#differenceAt = present
      this.ping().catch(() => undefined)
    }
    return present + this.#difference
  }

  /** The question for the time is answered in its order as any other, so it is the barrier too. */
  async ping(): Promise<void> {
    const asked = elapsed()
    const [seconds, microseconds] = (await this.#connection.send(["TIME"])) as [string, string]
    const answered = elapsed()
    this.#differenceAt = answered
    this.#difference = Number(seconds) * 1_000 + Number(microseconds) / 1_000 - (asked + answered) / 2
  }

  getMany(keys: readonly string[]): Promise<readonly (string | null)[]> {
    const command = ["MGET"]
    for (const key of keys) command.push(this.#prefix === "" ? key : this.#prefix + key)
    return this.#connection.send(command) as Promise<readonly (string | null)[]>
  }

  async lease({ key, tags, epoch, token, leaseMs, tagMs, seize }: LeaseAsk): Promise<LeaseAnswer> {
    const values = [String(epoch), token, String(leaseMs), String(tagMs), seize ? "1" : ""]
    const [state, text] = (await this.#run(leaseScript, [key, ...tags], values)) as ["mine" | "taken" | "entry", string]
    if (state === "mine") return { state, tags: text }
    return state === "entry" ? { state, text } : { state }
  }

  async prolong(key: string, epoch: number, token: string, leaseMs: number): Promise<boolean> {
    return (await this.#run(prolongScript, [key], [`L${epoch}:${token}`, String(leaseMs)])) === 1
  }

  async fill({ key, tags, epoch, token, renews, tagTokens, lifeMs, payload }: Fill): Promise<boolean> {
    const values = [String(epoch), token, renews ?? "", tagTokens, String(lifeMs), payload]
    return (await this.#run(fillScript, [key, ...tags], values)) === 1
  }

  async reserve(key: string, token: string, milliseconds: number): Promise<boolean> {
    return (await this.#connection.send(["SET", this.#prefix + key, token, "PX", String(milliseconds), "NX"])) === "OK"
  }

  async discard(key: string, text: string): Promise<void> {
    await this.#run(discardScript, [key], [text])
  }

  async remove(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.#connection.send(["DEL", ...this.#named(keys)])
  }

  async timeToLive(key: string): Promise<number | undefined> {
    const milliseconds = (await this.#connection.send(["PTTL", this.#prefix + key])) as number
    return milliseconds < 0 ? undefined : milliseconds
  }

  beginnings(keys: readonly string[]): Promise<readonly string[]> {
    const ask = (key: string) =>
      this.#connection.send(["GETRANGE", this.#prefix + key, "0", "255"]).then(
        (text) => text as string,
        // A key that holds another type is nobody's here.
        () => "",
      )
    return Promise.all(keys.map(ask))
  }

  scan(pattern: string, limit: number): Promise<readonly string[]> {
    return this.#redis.scan(pattern.replace(/[\\?[\]]/g, "\\$&"), limit)
  }

  drop(): void {
    this.#drop()
  }

  #run(script: typeof leaseScript, keys: readonly string[], values: readonly string[]): Promise<RedisReply> {
    return this.#connection.run(script, this.#named(keys), values)
  }

  #named(keys: readonly string[]): readonly string[] {
    return this.#prefix === "" ? keys : keys.map((key) => this.#prefix + key)
  }
}

/** A real Redis server. */
export class RealServer implements Server {
  readonly #redis: Redis
  readonly #prefix: string
  #listener: ServerListener | undefined
  #link: RedisLink | undefined

  /** @param tracked whether the server is to tell what changed of the keys that were read */
  constructor(url: string, options: Omit<RedisOptions, "listener">, tracked: boolean) {
    this.#prefix = options.prefix ?? ""
    this.#redis = new Redis(url, {
      ...options,
      listener: {
        connected: (connection) => void this.#connected(connection),
        lost: () => this.#lost(),
        ...(tracked ? { changed: (_, key) => this.#changed(key) } : {}),
      },
    })
  }

  get link(): Link | undefined {
    return this.#link
  }

  async start(listener: ServerListener): Promise<void> {
    this.#listener = listener
    await this.#redis.start()
    await this.#ready
  }

  async stop(): Promise<void> {
    await this.#redis.close()
  }

  /** Ends with the first question to a new connection. */
  #ready: Promise<void> | undefined

  #connected(connection: RedisConnection): void {
    const link = new RedisLink(connection, this.#redis, () => this.#redis.reconnect(connection))
    this.#ready = link.prepare().then(
      () => {
        if (this.#redis.connection !== connection) return
        this.#link = link
        this.#listener?.connected(link)
      },
      // A server that refuses scripts is of no use. Where the connection ended this does nothing more.
      (reason: Error) => this.#redis.reconnect(connection, reason),
    )
  }

  #lost(): void {
    const link = this.#link
    if (link === undefined) return
    this.#link = undefined
    this.#listener?.lost(link)
  }

  #changed(key: string | undefined): void {
    if (this.#link !== undefined) this.#listener?.changed(this.#link, key?.slice(this.#prefix.length))
  }
}
