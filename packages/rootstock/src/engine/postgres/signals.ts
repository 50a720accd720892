import { hash, randomUUID } from "node:crypto"
import { elapsed } from "../../clock/index.ts"
import type { Signals } from "../contract.ts"
import { connect } from "./connect.ts"
import { CheckExchange } from "./exchange.ts"
import type { Target } from "./options.ts"
import { command } from "./stream.ts"
import type { Wire } from "./wire.ts"

/** Signals that come closer together than this go out as one, in milliseconds. */
const gatherMs = 20
/** The pauses between the tries to listen again, in milliseconds; the last one repeats. */
const retryMs = [100, 200, 500, 1_000, 2_000, 5_000] as const
/** How often a silent connection is asked whether it is alive, and how long it has to answer, in milliseconds. */
const checkMs = 15_000
const answerMs = 5_000

export type SignalsOptions = {
  readonly target: Target
  /** The schema that the tables are in: signals are for those who share it. */
  readonly schema: string
  /** Notifies channels on some connection of the pool. */
  readonly notify: (channels: readonly string[], payload: string) => Promise<unknown>
}

/**
 * Signals by NOTIFY, in a transaction of their own: inside of another it would hold a lock of the whole server until the
 * commit. https://www.postgresql.org/docs/current/sql-notify.html
 *
 * One connection listens. It is opened again where it is lost, and then everybody is called, since signals may have been
 * missed. Behind a pooler in transaction mode nobody can listen.
 */
export class NotifySignals implements Signals {
  readonly #options: SignalsOptions
  /** Tells this engine's own signals from others. */
  readonly #sender = randomUUID()
  readonly #callbacks = new Map<string, Set<() => void>>()
  readonly #toSend = new Set<string>()
  #sending: NodeJS.Timeout | undefined
  #sent = Number.NEGATIVE_INFINITY
  #flight: Promise<void> | undefined
  #wire: Wire | undefined
  #opening: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #failures = 0
  #check: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: SignalsOptions) {
    this.#options = options
  }

  send(topic: string): void {
    if (this.#closed) return
    this.#toSend.add(topic)
    // The first one goes at once, so that a single signal is not late.
    this.#sending ??= setTimeout(() => this.#flush(), Math.max(0, this.#sent + gatherMs - elapsed()))
  }

  #flush(): Promise<void> {
    clearTimeout(this.#sending)
    this.#sending = undefined
    this.#sent = elapsed()
    const topics = [...this.#toSend]
    this.#toSend.clear()
    if (topics.length > 0) this.#flight = this.#notify(topics)
    return this.#flight ?? Promise.resolve()
  }

  async #notify(topics: readonly string[]): Promise<void> {
    try {
      await this.#options.notify(
        topics.map((topic) => this.#channel(topic)),
        this.#sender,
      )
    } catch {
      // Whoever listens looks by itself every now and then.
    }
  }

  async listen(topic: string, callback: () => void): Promise<() => Promise<void>> {
    // A callback may listen several times.
    const own = () => callback()
    const callbacks = this.#callbacks.get(topic)
    if (callbacks === undefined) {
      this.#callbacks.set(topic, new Set([own]))
      if (this.#options.target.prepares && !this.#closed) await this.#begin(topic)
    } else {
      callbacks.add(own)
      await this.#opening
    }
    return () => this.#unlisten(topic, own)
  }

  async #begin(topic: string): Promise<void> {
    if (this.#wire === undefined) await this.#open()
    else await this.#run(this.#wire, "LISTEN", [topic]).catch(() => undefined)
  }

  async #unlisten(topic: string, own: () => void): Promise<void> {
    const callbacks = this.#callbacks.get(topic)
    callbacks?.delete(own)
    if (callbacks?.size !== 0) return
    this.#callbacks.delete(topic)
    if (this.#callbacks.size === 0) await this.#disconnect()
    else if (this.#wire !== undefined) await this.#run(this.#wire, "UNLISTEN", [topic]).catch(() => undefined)
  }

  /** Sends what waits to be sent, and closes the connection; idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    await this.#flush()
    this.#closed = true
    this.#callbacks.clear()
    await this.#disconnect()
  }

  async #disconnect(): Promise<void> {
    clearTimeout(this.#retry)
    this.#retry = undefined
    await this.#opening
    clearInterval(this.#check)
    const wire = this.#wire
    this.#wire = undefined
    await wire?.close()
  }

  #open(): Promise<void> {
    this.#opening ??= this.#tryOpen().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #tryOpen(): Promise<void> {
    const { target } = this.#options
    try {
      const wire = await connect(
        target,
        {
          place: target.place,
          prepares: true,
          onIdle: () => undefined,
          onLost: (lost) => this.#lost(lost),
          onStale: () => undefined,
          onNotification: (channel, payload) => this.#received(channel, payload),
        },
        [],
      )
      wire.holder = "signals"
      this.#wire = wire
      await this.#run(wire, "LISTEN", [...this.#callbacks.keys()])
      this.#failures = 0
      this.#check = setInterval(() => this.#look(wire), checkMs).unref()
    } catch {
      this.#wire?.destroy()
      this.#wire = undefined
      this.#tryLater()
    }
  }

  #tryLater(): void {
    if (this.#closed || this.#callbacks.size === 0 || this.#retry !== undefined) return
    const pause = retryMs[Math.min(this.#failures++, retryMs.length - 1)]
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      // It never rejects.
      void this.#open().then(() => this.#callAll())
    }, pause).unref()
  }

  #callAll(): void {
    if (this.#wire === undefined) return
    for (const callbacks of [...this.#callbacks.values()]) for (const callback of [...callbacks]) callback()
  }

  #lost(wire: Wire): void {
    if (this.#wire !== wire) return
    clearInterval(this.#check)
    this.#wire = undefined
    // While it is being opened, the one who opens it tries again.
    if (this.#opening === undefined) this.#tryLater()
  }

  /** A server that is gone without a word is noticed by what it does not answer. */
  #look(wire: Wire): void {
    const limit = setTimeout(() => wire.destroy(new Error(`no answer within ${answerMs} ms`)), answerMs).unref()
    wire.send(new CheckExchange(() => clearTimeout(limit)))
  }

  #received(channel: string, payload: string): void {
    if (payload === this.#sender) return
    for (const [topic, callbacks] of [...this.#callbacks]) {
      if (this.#channel(topic) === channel) for (const callback of [...callbacks]) callback()
    }
  }

  async #run(wire: Wire, word: "LISTEN" | "UNLISTEN", topics: readonly string[]): Promise<void> {
    const sql = topics.map((topic) => `${word} "${this.#channel(topic)}"`).join(";")
    if (sql !== "") await command((exchange) => wire.send(exchange), sql, "signals")
  }

  /** Channels belong to a whole database, and their names have at most 63 bytes. */
  #channel(topic: string): string {
    return `rs_${hash("sha256", `${this.#options.schema}\n${topic}`, "hex").slice(0, 40)}`
  }
}
