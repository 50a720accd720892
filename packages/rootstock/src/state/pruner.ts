import type { Logger } from "../log/index.ts"
import { outsideTransaction } from "../session/index.ts"
import { checkWhole } from "./checks.ts"
import type { Prunable } from "./prune.ts"

export type PrunerOptions = {
  /** What to prune. */
  stores: readonly Prunable[]
  log: Logger
  /** Time from the end of one round to the next, in milliseconds, from 1,000 to a day (default 10 minutes). */
  everyMs?: number
}

/** Prunes stores from time to time. Several processes may each run one. */
export class Pruner {
  readonly #stores: readonly Prunable[]
  readonly #log: Logger
  readonly #everyMs: number
  #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined

  constructor({ stores, log, everyMs = 600_000 }: PrunerOptions) {
    this.#stores = stores
    this.#log = log
    this.#everyMs = checkWhole("everyMs", everyMs, 1_000, 86_400_000)
    this.#stopping.abort()
  }

  /** Begins with a round at once; where it is started already, does nothing. */
  start(): void {
    if (!this.#stopping.signal.aborted) return
    this.#stopping = new AbortController()
    const { signal } = this.#stopping
    const before = this.#round
    this.#round = outsideTransaction(() => Promise.resolve(before).then(() => this.#run(signal)))
  }

  /** Ends behind the portion that is being removed; idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    clearTimeout(this.#timer)
    await this.#round
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (const store of this.#stores) {
      if (signal.aborted) return
      await this.#prune(store, signal)
    }
    if (signal.aborted) return
    this.#timer = setTimeout(() => {
      this.#round = this.#run(signal)
    }, this.#everyMs)
    this.#timer.unref()
  }

  async #prune(store: Prunable, signal: AbortSignal): Promise<void> {
    const fields = { store: store.name }
    try {
      const removed = await store.prune({ signal })
      if (removed > 0) this.#log.info(`Removed ${removed} expired rows of ${store.name}`, { ...fields, removed })
    } catch (error) {
      this.#log.warning(`Expired rows of ${store.name} could not be removed`, { ...fields, error })
    }
  }
}
