import type { Clock } from "../clock/index.ts"
import type { Query } from "../engine/index.ts"
import { beatStatement } from "./beat.ts"
import { asItIs } from "./outcomes.ts"
import { StandIn } from "./stand-in.ts"
import type { Backend } from "./storages.ts"

export type HeartbeatOptions = {
  readonly backend: Backend
  readonly clock: Clock
  readonly worker: string
  /** Milliseconds between two beats. */
  readonly intervalMs: number
  /** Called once, when the worker was found to be removed. */
  readonly onLost: () => void
}

/**
 * Shows that a worker lives.
 *
 * Each beat is written through the database's own connections. Where the event loop is too busy for that, a thread with a
 * connection of its own stands in, so that a long computation is not taken for a death. (It only stands in, since on
 * SQLite each commit of another connection empties the caches of this process.)
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  readonly #query: Query
  #timer: NodeJS.Timeout | undefined
  #standIn: StandIn | undefined
  #beating: Promise<void> | undefined
  #lost = false

  constructor(options: HeartbeatOptions) {
    this.#options = options
    this.#query = beatStatement(options.backend.dialect)
  }

  start(): void {
    const { backend, worker, intervalMs } = this.#options
    const { address } = backend.host.engine
    if (address !== undefined) {
      this.#standIn = new StandIn({ address, worker, intervalMs, onLost: () => this.#lose() })
      this.#standIn.start()
    }
    this.#timer = setInterval(() => this.#beat(), intervalMs)
  }

  /** Idempotent; the worker's row stays. */
  async stop(): Promise<void> {
    this.#lost = true
    clearInterval(this.#timer)
    this.#standIn?.stop()
    await this.#beating
  }

  #beat(): void {
    this.#beating ??= this.#write().finally(() => {
      this.#beating = undefined
    })
  }

  async #write(): Promise<void> {
    const { backend, clock, worker } = this.#options
    try {
      const found = await backend.run(this.#query, [clock.now().toISOString(), worker], asItIs)
      if (found === 0) this.#lose()
      else this.#standIn?.beaten()
    } catch {
      // The database is away, or too slow: the next beat, or the thread, may reach it.
    }
  }

  #lose(): void {
    if (this.#lost) return
    this.#lost = true
    clearInterval(this.#timer)
    this.#standIn?.stop()
    this.#options.onLost()
  }
}
