import { AsyncLocalStorage } from "node:async_hooks"
import { TimeoutError, UnavailableError } from "../errors/index.ts"
import type { NewJob } from "./send.ts"

type Waiting = {
  readonly job: NewJob
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** The most jobs of one statement. */
const mostAtOnce = 1_000
/** The most statements under way: while so many are, those that come wait for each other. */
const mostUnderWay = 2

/**
 * Stores jobs that are sent one by one beside each other, outside of transactions: those of one turn of the event loop, and
 * those that come while others are being stored, share a statement and its commit.
 */
export class GatheredSends {
  readonly #store: (jobs: readonly NewJob[]) => Promise<unknown>
  readonly #outside = AsyncLocalStorage.snapshot()
  #waiting: Waiting[] = []
  #planned = false
  #underWay = 0

  /** @param store stores them all or none, and commits */
  constructor(store: (jobs: readonly NewJob[]) => Promise<unknown>) {
    this.#store = store
  }

  /** Resolves once the job is stored. */
  add(job: NewJob): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject })
      this.#plan()
    })
  }

  #plan(): void {
    if (this.#planned || this.#underWay >= mostUnderWay) return
    this.#planned = true
    this.#outside(() => setImmediate(this.#begin))
  }

  readonly #begin = (): void => {
    this.#planned = false
    const portion = this.#waiting.splice(0, mostAtOnce)
    this.#underWay++
    void this.#storeAll(portion).finally(() => {
      this.#underWay--
      if (this.#waiting.length > 0) this.#plan()
    })
  }

  async #storeAll(portion: readonly Waiting[]): Promise<void> {
    try {
      await this.#store(portion.map(({ job }) => job))
    } catch (error) {
      // One may be refused for what is wrong with it alone; but what may have been stored is not stored again.
      const unknown = error instanceof UnavailableError || error instanceof TimeoutError
      if (unknown || portion.length === 1) for (const { reject } of portion) reject(error)
      else await Promise.all(portion.map((one) => this.#storeAll([one])))
      return
    }
    for (const { resolve } of portion) resolve()
  }
}
