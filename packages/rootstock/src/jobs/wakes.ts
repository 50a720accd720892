import type { Engine } from "../engine/index.ts"

/** The topic of signals that a queue has something to do. */
export const queueTopic = (queue: string): string => `jobs:${queue}`

/** The topic of signals that jobs were taken from those who hold them. */
export const takenAwayTopic = "jobs taken away"

/** Told that a job of a queue may be begun at `due`, in milliseconds of Unix time. */
export type Wake = (due: number) => void

/** Who serves which queues of one database in this process. */
export class Wakes {
  readonly #byQueue = new Map<string, Set<Wake>>()

  wake(queue: string, due: number): void {
    const listeners = this.#byQueue.get(queue)
    if (listeners !== undefined) for (const listener of listeners) listener(due)
  }

  /** @returns the call that stops it */
  listen(queue: string, listener: Wake): () => void {
    let listeners = this.#byQueue.get(queue)
    if (listeners === undefined) {
      listeners = new Set()
      this.#byQueue.set(queue, listeners)
    }
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }
}

const wakes = new WeakMap<Engine, Wakes>()

/** Those of an opened database, whoever opened its jobs. */
export function wakesOf(engine: Engine): Wakes {
  let found = wakes.get(engine)
  if (found === undefined) {
    found = new Wakes()
    wakes.set(engine, found)
  }
  return found
}
