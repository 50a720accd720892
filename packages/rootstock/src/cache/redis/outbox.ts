import type { Pace } from "./pace.ts"
import type { ControlStore } from "./ports.ts"
import type { Timings } from "./timings.ts"
import type { Writes } from "./writes.ts"

/** Done ids are deleted together after this time, in milliseconds. */
const gatherMs = 100
/** What is looked at, and what is done, at a time. */
const portion = 500

/**
 * What writers recorded in their transactions: keys whose invalidation is to come. A writer deletes its record when it is
 * done; where it died before, whoever sees the record grow old invalidates in its place.
 */
export class Outbox {
  readonly #store: ControlStore
  readonly #writes: Writes
  readonly #pace: Pace
  readonly #timings: Timings
  readonly #warn: (message: string, cause?: unknown) => void
  readonly #done: number[] = []
  /** When records were seen first; clocks of different machines are not compared. */
  #seen = new Map<number, number>()
  #deleting: Promise<void> | undefined
  #loop: Promise<void> | undefined

  constructor(
    store: ControlStore,
    writes: Writes,
    pace: Pace,
    timings: Timings,
    warn: (message: string, cause?: unknown) => void,
  ) {
    this.#store = store
    this.#writes = writes
    this.#pace = pace
    this.#timings = timings
    this.#warn = warn
  }

  /** Records keys in the ambient transaction; the id of the record. */
  record(keys: readonly string[]): Promise<number> {
    return this.#store.record(keys)
  }

  /** The record's invalidation is done. */
  done(id: number): void {
    this.#done.push(id)
    this.#deleting ??= this.#deleteSoon()
  }

  async #deleteSoon(): Promise<void> {
    await this.#pace.sleep(gatherMs)
    this.#deleting = undefined
    const ids = this.#done.splice(0)
    try {
      for (let at = 0; at < ids.length; at += portion) await this.#store.forget(ids.slice(at, at + portion))
    } catch (error) {
      this.#warn("Invalidations that are done could not be deleted from cache_outbox; they are done again.", error)
    }
  }

  start(): void {
    this.#loop = this.#pace.repeat(
      () => this.#timings.sweepMs * (0.9 + this.#pace.timers.random() / 5),
      () => this.#sweep(),
    )
  }

  /** Deletes what is done. */
  async stop(): Promise<void> {
    await this.#loop
    await this.#deleting
  }

  async #sweep(): Promise<void> {
    try {
      const present = this.#pace.now()
      const ids = await this.#store.recorded(portion)
      this.#seen = new Map(ids.map((id) => [id, this.#seen.get(id) ?? present]))
      const old = ids.filter((id) => present - (this.#seen.get(id) as number) >= this.#timings.oldMs)
      if (old.length === 0) return
      const keys = (await this.#store.recordedKeys(old)).flatMap((record) => record.keys)
      if (await this.#writes.repair(keys)) await this.#store.forget(old)
    } catch (error) {
      this.#warn("Invalidations of writers that died could not be looked for in cache_outbox.", error)
    }
  }
}
