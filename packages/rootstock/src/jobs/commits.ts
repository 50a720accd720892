import { AsyncLocalStorage } from "node:async_hooks"
import { elapsed } from "../clock/index.ts"
import { currentSession, runInSession, transaction } from "../session/index.ts"

/** How jobs are completed together with their effects. Picked once for an engine. */
export interface Commits {
  /** Runs `work` in a transaction; resolves once it is committed. */
  run<T>(name: string, work: () => Promise<T>): Promise<T>
}

/** A transaction for each job, where transactions run side by side. */
export const ownCommits: Commits = { run: (name, work) => transaction(work, { name }) }

type Waiting = {
  readonly name: string
  readonly work: () => Promise<void>
  readonly inContext: <T>(work: () => T) => T
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** The longest that others may join a transaction, in milliseconds. */
const groupMs = 10
const groupSize = 128

/**
 * One transaction for the jobs that wait beside each other, each in a savepoint of its own, where transactions run one
 * after the other: so they share one wait for the disk. Each is told after the commit.
 */
export class SharedCommits implements Commits {
  readonly #outside = AsyncLocalStorage.snapshot()
  #waiting: Waiting[] = []
  #serving = false

  run<T>(name: string, work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let value: T
      const keeping = async () => {
        value = await work()
      }
      const inContext = AsyncLocalStorage.snapshot()
      this.#waiting.push({ name, work: keeping, inContext, resolve: () => resolve(value), reject })
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
    const end = elapsed() + groupMs
    const batch = this.#waiting
    this.#waiting = []
    let next = 0
    do {
      const one = batch[next++] as Waiting
      try {
        await transaction(() => inItsContext(one), { name: one.name, nested: true })
        done.push(one)
      } catch (error) {
        one.reject(error)
      }
      if (next === batch.length) batch.push(...this.#waiting.splice(0))
    } while (next < batch.length && next < groupSize && elapsed() < end)
    this.#waiting = [...batch.slice(next), ...this.#waiting]
  }

  async #runAlone(one: Waiting): Promise<void> {
    try {
      await transaction(() => inItsContext(one), { name: one.name })
      one.resolve()
    } catch (error) {
      one.reject(error)
    }
  }
}

/** Runs the work where it was asked for, in the transaction that it shares. */
function inItsContext({ inContext, work }: Waiting): Promise<void> {
  const session = currentSession()
  return inContext(() => runInSession(session, work))
}
