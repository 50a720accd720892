import type { Socket } from "node:net"
import type { Channel, Connection } from "rabbitmq-client"
import { UnavailableError } from "../../errors/index.ts"
import type { Logger } from "../../log/index.ts"
import { limitedWarnings } from "../../redis/index.ts"
import type { BrokerAddress } from "./address.ts"
import { KeptChannel, type KeptChannelOptions } from "./kept-channel.ts"
import { messageOf } from "./sentences.ts"

export type LinkOptions = {
  readonly address: BrokerAddress
  /** Shown among the connections of the broker. */
  readonly name: string
  /** For what goes wrong with channels. */
  readonly log: Logger
  /** Told that the broker is away, or takes no messages, with the reason. */
  readonly away: (link: Link, sentence: string) => void
  /** Told that all is well again. */
  readonly back: (link: Link) => void
}

/** How long a farewell waits for what the broker still has to answer, in milliseconds. */
const farewellMs = 1_000

/** Waits for an answer of the broker, but not long: without one, it does by itself what it was asked. Never rejects. */
export async function briefly(answer: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, farewellMs)
  await Promise.race([answer.catch(() => undefined), late])
  clearTimeout(timer)
}

/** A connection to RabbitMQ that comes back by itself, with the channels that are kept on it. */
export class Link {
  readonly #options: LinkOptions
  readonly #channels = new Set<KeptChannel>()
  #connection: Connection | undefined
  #connected = false
  #blocked = false
  #opening: Promise<void> | undefined
  #stopped = true

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** The broker answers. */
  get connected(): boolean {
    return this.#connected
  }

  /** The broker answers, and takes messages. */
  get usable(): boolean {
    return this.#connected && !this.#blocked
  }

  /** It is usable, and so are all its channels. */
  get ready(): boolean {
    return this.usable && [...this.#channels].every(({ channel }) => channel !== undefined)
  }

  /** Begins to connect; it does not wait for the broker. */
  start(): void {
    if (!this.#stopped) return
    this.#stopped = false
    this.#opening = this.#open()
  }

  /** Closes the channels and the connection; idempotent. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    await this.#opening
    const connection = this.#connection
    this.#connection = undefined
    this.#connected = false
    if (connection === undefined) return
    await briefly(Promise.all(Array.from(this.#channels, (channel) => channel.stop())).then(() => connection.close()))
    connection.unsafeDestroy()
  }

  /** Keeps a channel open whenever the broker answers. */
  keep(options: Omit<KeptChannelOptions, "acquire" | "connected" | "warn">): KeptChannel {
    const channel = new KeptChannel({
      ...options,
      acquire: () => this.acquire(),
      connected: () => this.#connected,
      warn: limitedWarnings((message) => this.#options.log.warning(message)),
    })
    this.#channels.add(channel)
    if (this.#connected) channel.open()
    return channel
  }

  /** Closes a channel for good. */
  async drop(channel: KeptChannel): Promise<void> {
    this.#channels.delete(channel)
    await briefly(channel.stop())
  }

  /** A channel for one purpose, which its user closes. @throws UnavailableError where the broker is away */
  async acquire(): Promise<Channel> {
    if (this.#connection === undefined || !this.#connected) throw this.#away()
    return this.#connection.acquire({ emitErrorsFromChannel: true })
  }

  /**
   * Sends what `write` writes with as few calls of the operating system as possible, in place of one for each message,
   * which took a third of the time. The library has no way to ask for it, so its socket is held back.
   */
  together(write: () => void): void {
    const socket = socketOf(this.#connection)
    socket?.cork()
    try {
      write()
    } finally {
      socket?.uncork()
    }
  }

  /** Why channels cannot be used. */
  get problems(): readonly unknown[] {
    return Array.from(this.#channels, ({ problem }) => problem).filter((problem) => problem !== undefined)
  }

  #away(): UnavailableError {
    return new UnavailableError(`RabbitMQ at ${this.#options.address.shown} is away.`, {
      cure: "Look whether it runs and can be reached; it is tried again by itself.",
    })
  }

  async #open(): Promise<void> {
    // Loading it takes time, so only who has a broker pays for it.
    const { Connection } = await import("rabbitmq-client")
    if (this.#stopped) return
    const { address, name, away, back } = this.#options
    const connection = new Connection({
      url: address.url,
      connectionName: name,
      connectionTimeout: 5_000,
      heartbeat: 10,
      noDelay: true,
      frameMax: 131_072,
      retryLow: 250,
      retryHigh: 5_000,
    })
    this.#connection = connection
    connection.on("connection", () => {
      this.#connected = true
      this.#blocked = false
      back(this)
      for (const channel of this.#channels) channel.open()
    })
    connection.on("error", (error: unknown) => {
      this.#connected = false
      // Only the sentence: what stands around it may hold the password.
      if (!this.#stopped) away(this, `is away; jobs wait in the database: ${messageOf(error)}`)
    })
    connection.on("connection.blocked", (reason: unknown) => {
      this.#blocked = true
      away(this, `takes no messages; jobs wait in the database: ${String(reason)}`)
    })
    connection.on("connection.unblocked", () => {
      this.#blocked = false
      back(this)
    })
  }
}

/** The socket of a connection, where the library still keeps it there. */
function socketOf(connection: object | undefined): Pick<Socket, "cork" | "uncork"> | undefined {
  return (connection as { readonly _socket?: Socket } | undefined)?._socket
}
