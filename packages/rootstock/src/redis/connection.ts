import { QueryError, TimeoutError, UnavailableError } from "../errors/index.ts"
import type { RedisAddress } from "./address.ts"
import { AnswerWatch } from "./answer-watch.ts"
import type { RedisScript } from "./script.ts"

/** Answer of a server to a command, in RESP3 as JavaScript values. */
export type RedisReply = string | number | null | readonly RedisReply[]

export type ConnectOptions = {
  readonly address: RedisAddress
  /** Longest time for the answer to a command, in milliseconds. */
  readonly deadlineMs: number
  /** Longest time until the connection can be used, in milliseconds. */
  readonly connectMs: number
  /** Whether the server tells which keys that were read here changed. */
  readonly tracked: boolean
  /** Told of a key that was read here and changed since; undefined for all keys at once. */
  readonly changed: (key: string | undefined) => void
  /** Told once of the connection's end, unless `drop` brought it about. */
  readonly lost: (reason: Error) => void
}

type Client = {
  connect(): Promise<unknown>
  destroy(): void
  sendCommand(parts: readonly string[]): Promise<RedisReply>
  on(event: string, listener: (value: never) => void): unknown
}

/** Whether a server answered with an error, in place of the connection having failed. */
type Refused = (cause: unknown) => cause is Error

/** Once a second a connection is asked for an answer, so that a server that hangs is found before a caller meets it. */
const checkMs = 1_000

/** One connection, from its opening to its end. Whoever needs to know that a server did not change in between keeps it. */
export class RedisConnection {
  /** Which run of the server this is: it changes whenever a server starts. */
  readonly runId: string
  readonly #client: Client
  readonly #refused: Refused
  readonly #options: ConnectOptions
  readonly #watch: AnswerWatch
  readonly #check: NodeJS.Timeout
  #open = true

  constructor(client: Client, refused: Refused, runId: string, options: ConnectOptions) {
    this.#client = client
    this.#refused = refused
    this.runId = runId
    this.#options = options
    const { deadlineMs } = options
    this.#watch = new AnswerWatch(deadlineMs, () => {
      this.#end(
        new TimeoutError(`no answer within ${deadlineMs} ms`, { cure: "Look whether the server is overloaded." }),
      )
    })
    client.on("error", (error: Error) => this.#end(error))
    client.on("invalidate", (key: Buffer | null) => {
      if (this.#open) options.changed(key === null ? undefined : key.toString())
    })
    this.#check = setInterval(() => void this.#checkRole(), checkMs)
  }

  get open(): boolean {
    return this.#open
  }

  /** A server that came to follow another takes over that one's data, and says nothing of it to who is connected. */
  async #checkRole(): Promise<void> {
    try {
      const [role] = (await this.send(["ROLE"])) as readonly RedisReply[]
      if (role !== "master") this.#end(wrongRole(String(role)))
    } catch {
      // It ended, or does not tell its role: that it answered is enough then.
    }
  }

  /**
   * Sends a command; commands are answered in the order in which they were sent.
   *
   * @throws UnavailableError where the connection ends before the answer, QueryError where the server refuses the command
   */
  send(parts: readonly string[]): Promise<RedisReply> {
    if (!this.#open) return Promise.reject(this.#gone(undefined))
    this.#watch.begin()
    // Every read through Redis passes here, so it makes do with one promise.
    return this.#client.sendCommand(parts).then(this.#answered, (cause) => {
      this.#watch.end()
      throw this.#open && this.#refused(cause) ? refusal(parts, cause) : this.#gone(cause)
    })
  }

  readonly #answered = (reply: RedisReply): RedisReply => {
    this.#watch.end()
    return reply
  }

  /** Runs a script by its hash, and by its text where the server does not know it. */
  async run(script: RedisScript, keys: readonly string[], values: readonly string[]): Promise<RedisReply> {
    try {
      return await this.send(["EVALSHA", script.sha, String(keys.length), ...keys, ...values])
    } catch (error) {
      if (!(error instanceof QueryError) || !error.message.includes("NOSCRIPT")) throw error
      return this.send(["EVAL", script.text, String(keys.length), ...keys, ...values])
    }
  }

  /** Ends the connection at once; what was not answered is refused. */
  drop(): void {
    if (!this.#open) return
    this.#open = false
    this.#watch.stop()
    clearInterval(this.#check)
    this.#client.destroy()
  }

  #end(reason: Error): void {
    if (!this.#open) return
    this.drop()
    this.#options.lost(reason)
  }

  #gone(cause: unknown): UnavailableError {
    return new UnavailableError(`Redis at ${this.#options.address.shown} is away.`, {
      cure: "Look whether it runs and can be reached; it is tried again by itself.",
      cause,
    })
  }
}

function refusal([command]: readonly string[], cause: Error): QueryError {
  return new QueryError(`Redis refused ${command}: ${cause.message}`, {
    cure: "Look at the server's settings: its memory limit, its persistence, the rights of the user.",
    cause,
  })
}

/**
 * Opens a connection and reads which run of the server it leads to, before anything else is asked of it.
 *
 * @throws what went wrong, as an error without user and password
 */
export async function connectRedis(options: ConnectOptions, abandoned: AbortSignal): Promise<RedisConnection> {
  const { address, connectMs } = options
  // Loading it takes longer than the rest of a start, so only who has a Redis pays for it.
  const { createClient, ErrorReply } = await import("redis")
  const client = createClient({
    socket: {
      host: address.host,
      port: address.port,
      ...(address.tls ? { tls: true as const } : {}),
      connectTimeout: connectMs,
      socketTimeout: 3 * checkMs,
      reconnectStrategy: false,
    },
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    database: address.database,
    name: "rootstock",
    RESP: 3,
    disableOfflineQueue: true,
    // Its timer for each command costs more than the command, and ends with the sending.
    commandOptions: { timeout: undefined } as object,
    maintNotifications: "disabled",
    emitInvalidate: options.tracked,
  }) as unknown as Client
  let failure: Error | undefined
  client.on("error", (error: Error) => {
    failure ??= error
  })
  const { promise: cut, reject } = Promise.withResolvers<never>()
  const late = setTimeout(
    () =>
      reject(new TimeoutError(`no connection within ${connectMs} ms`, { cure: "Look whether the server answers." })),
    connectMs,
  )
  const abandon = () =>
    reject(new UnavailableError("the connection is not wanted any more", { cure: "Open it again." }))
  abandoned.addEventListener("abort", abandon, { once: true })
  const opening = client.connect().then(() => client.sendCommand(["INFO"]))
  try {
    const runId = readRunId(String(await Promise.race([opening, cut])))
    if (failure !== undefined) throw failure
    const refused = (cause: unknown): cause is Error => cause instanceof ErrorReply
    return new RedisConnection(client, refused, runId, options)
  } catch (error) {
    // A client that is still connecting would go on, and be ready later.
    opening.then(
      () => client.destroy(),
      () => client.destroy(),
    )
    client.destroy()
    throw error
  } finally {
    clearTimeout(late)
    abandoned.removeEventListener("abort", abandon)
  }
}

function wrongRole(role: string): UnavailableError {
  return new UnavailableError(`the server is a ${role}, which cannot be written to`, {
    cure: "Name the server that it follows.",
  })
}

function readRunId(info: string): string {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, "m").exec(info)?.[1]
  const runId = field("run_id")
  const refuse = (why: string) => new UnavailableError(why, { cure: "Name a server that can be written to." })
  if (runId === undefined || runId === "") throw refuse("the server does not tell its run_id")
  if (field("loading") === "1") throw refuse("the server is loading its data")
  const role = field("role")
  if (role !== "master") throw wrongRole(String(role))
  return runId
}
