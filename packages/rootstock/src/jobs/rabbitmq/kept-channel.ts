import type { Channel } from "rabbitmq-client"
import type { Warn } from "../../redis/index.ts"
import { messageOf, sentenceOf } from "./sentences.ts"

export type KeptChannelOptions = {
  /** What the channel is for, as a phrase that follows "the channel". */
  readonly purpose: string
  /** Makes a channel ready for use, again after each loss. */
  readonly setUp: (channel: Channel) => Promise<void>
  /** Told when a channel that was ready is gone; messages delivered on it come again. */
  readonly lost?: (channel: Channel) => void
  readonly acquire: () => Promise<Channel>
  /** Whether the connection stands; while it does not, nothing is tried, and nobody warned: its link does that. */
  readonly connected: () => boolean
  readonly warn: Warn
}

/** Pauses between the tries to make a channel ready, in milliseconds. */
const firstPauseMs = 500
const longestPauseMs = 30_000

/** A channel that is opened again after each loss, as long as its connection lasts and whenever a new one is there. */
export class KeptChannel {
  readonly #options: KeptChannelOptions
  #channel: Channel | undefined
  #opening: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #pauseMs = firstPauseMs
  #stopped = false
  /** Why the last try failed; undefined where it did not. */
  #problem: unknown

  constructor(options: KeptChannelOptions) {
    this.#options = options
  }

  /** The channel, where it is ready. */
  get channel(): Channel | undefined {
    return this.#channel?.active ? this.#channel : undefined
  }

  /** Why it could not be made ready at the last try. */
  get problem(): unknown {
    return this.#problem
  }

  /** Opens it unless it is open; called whenever a connection is there. */
  open(): void {
    if (this.#stopped || this.#opening !== undefined || this.channel !== undefined) return
    clearTimeout(this.#retry)
    this.#retry = undefined
    this.#opening = this.#open().finally(() => {
      this.#opening = undefined
    })
  }

  /** Closes it for good; idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#retry)
    await this.#opening
    const channel = this.#channel
    this.#channel = undefined
    await channel?.close()
  }

  async #open(): Promise<void> {
    const { acquire, setUp, purpose, warn } = this.#options
    let channel: Channel | undefined
    try {
      channel = await acquire()
      channel.on("error", (error: unknown) => {
        warn(`The channel ${purpose} failed: ${messageOf(error)}`)
      })
      await setUp(channel)
      this.#problem = undefined
      this.#pauseMs = firstPauseMs
      this.#follow(channel)
    } catch (error) {
      await channel?.close()
      this.#problem = error
      if (this.#stopped || !this.#options.connected()) return
      warn(`The channel ${purpose} cannot be opened: ${sentenceOf(error)}`)
      this.#openLater()
    }
  }

  #follow(channel: Channel): void {
    if (!channel.active) {
      this.#openLater()
      return
    }
    this.#channel = channel
    channel.once("close", () => {
      if (this.#channel !== channel) return
      this.#channel = undefined
      this.#options.lost?.(channel)
      this.#openLater()
    })
  }

  #openLater(): void {
    if (this.#stopped || !this.#options.connected()) return
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.open(), this.#pauseMs)
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs)
  }
}
