import { AsyncLocalStorage } from "node:async_hooks"

/**
 * Lets requests that came in one turn of the event loop begin in one callback, when all of them are read: so they share
 * what is done once in a callback, such as the look whether another process has committed, and their answers go out
 * one behind the other. One that comes alone begins in the same turn, a microsecond later.
 *
 * What is seen at the beginning is seen after each of the requests was sent, so that none is answered with what was true
 * only before it.
 */
export class Turns {
  #waiting: (() => void)[] = []

  /** Runs `work` in the context of the caller; gives what it gives. */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    const inContext = AsyncLocalStorage.snapshot()
    return new Promise<T>((resolve, reject) => {
      const begin = () => {
        try {
          resolve(inContext(work))
        } catch (error) {
          reject(error)
        }
      }
      if (this.#waiting.push(begin) === 1) setImmediate(this.#begin)
    })
  }

  readonly #begin = (): void => {
    const all = this.#waiting
    this.#waiting = []
    for (const begin of all) begin()
  }
}
