import { AsyncLocalStorage } from "node:async_hooks"
import { elapsed } from "../clock/index.ts"
import { currentSession, runInSession, transaction } from "../session/index.ts"

/** How jobs are completed together with their effects. Picked once for an engine. */
export interface Commits {
  /**
   * How many jobs one commit takes, as far as is known: so many may wait for it without more than one being done at a time;
   * 0 where each has a commit of its own.
   */
  readonly together: number
  /** Runs `work` in a transaction; resolves once it is committed. `work` is called outside of the caller's context. */
  run<T>(name: string, work: () => Promise<T>): Promise<T>
}

/** A transaction for each job, where transactions run side by side. */
export const ownCommits: Commits = { together: 0, run: (name, work) => transaction(work, { name }) }

/** Makes `work` run in the context in which it is asked for, but in the transaction in which it is called. */
export function boundToContext<T>(work: () => T): () => T {
  const inContext = AsyncLocalStorage.snapshot()
  return () => {
    const session = currentSession()
    return inContext(() => runInSession(session, work))
  }
}

type Waiting = {
  readonly name: string
  readonly work: () => Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** The longest that others may join a transaction, in milliseconds. */
const groupMs = 10
const groupSize = 512

/**
 * One transaction for the jobs that wait beside each other, each in a savepoint of its own, where transactions run one
 * after the other: so they share one wait for the disk. Each is told after the commit.
 */
export class SharedCommits implements Commits {
  readonly #outside = AsyncLocalStorage.snapshot()
  #waiting: Waiting[] = []
  #serving = false
  /** Moving average of how long one takes, in milliseconds; most are short. */
  #meanMs = groupMs / 64

  get together(): number {
    return Math.min(groupSize, Math.floor(groupMs / this.#meanMs))
  }

  run<T>(name: string, work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let value: T
      const keeping = async () => {
        value = await work()
      }
      this.#waiting.push({ name, work: keeping, resolve: () => resolve(value), reject })
      if (this.#serving) return
      this.#serving = true
      void this.#outside(() => this.#serve())
    })
  }

  async #serve(): Promise<void> {
    while (this.#waiting.length > 0) await this.#group()
    this.#serving = false
  }

  async #group(): Promise<void> {
    const done: Waiting[] = []
    try {
      await transaction(() => this.#runTogether(done), { name: "jobs", retries: 0 })
    } catch (error) {
      // One of them cannot be committed, e.g. for a deferred reference.
      if (done.length < 2) done[0]?.reject(error)
      else for (const one of done) await this.#runAlone(one)
      return
    }
    for (const one of done) one.resolve()
  }

  async #runTogether(done: Waiting[]): Promise<void> {
    const start = elapsed()
    const batch = this.#waiting
    this.#waiting = []
    let next = 0
    do {
      const one = batch[next++] as Waiting
      try {
        await transaction(one.work, { name: one.name, nested: true })
        done.push(one)
      } catch (error) {
        one.reject(error)
      }
      if (next === batch.length) batch.push(...this.#waiting.splice(0))
    } while (next < batch.length && next < groupSize && elapsed() < start + groupMs)
    this.#waiting = [...batch.slice(next), ...this.#waiting]
    // No longer than a group, so that what stopped the process for a while is soon forgotten.
    this.#meanMs = this.#meanMs * 0.8 + Math.min(groupMs, (elapsed() - start) / next) * 0.2
  }

  async #runAlone(one: Waiting): Promise<void> {
    try {
      await transaction(one.work, { name: one.name })
      one.resolve()
    } catch (error) {
      one.reject(error)
    }
  }
}
