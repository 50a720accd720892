import type { Signals } from "../contract.ts"

/** How often the file is looked at, in milliseconds; a look takes a few microseconds. */
const lookMs = 10

/**
 * Signals by the file itself: it tells that another connection committed, not what. So each commit is a signal of every
 * topic, and nothing has to be sent.
 */
export class FileSignals implements Signals {
  readonly #look: (() => number) | undefined
  readonly #callbacks = new Set<() => void>()
  #seen: number | undefined
  #timer: NodeJS.Timeout | undefined

  /** @param look gives a number that differs from the one before if another connection committed; absent in memory */
  constructor(look: (() => number) | undefined) {
    this.#look = look
  }

  send(): void {
    // Who listens sees the commit.
  }

  listen(_topic: string, callback: () => void): Promise<() => Promise<void>> {
    // A callback may listen for several topics.
    const own = () => callback()
    this.#callbacks.add(own)
    const look = this.#look
    if (look !== undefined && this.#timer === undefined) {
      this.#timer = setInterval(() => this.#compare(look), lookMs).unref()
      this.#changed(look)
    }
    return Promise.resolve(() => {
      this.#callbacks.delete(own)
      if (this.#callbacks.size === 0) this.close()
      return Promise.resolve()
    })
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #compare(look: () => number): void {
    if (this.#changed(look)) for (const callback of [...this.#callbacks]) callback()
  }

  #changed(look: () => number): boolean {
    try {
      const before = this.#seen
      this.#seen = look()
      return this.#seen !== before
    } catch {
      // Whatever is wrong with the file, those who use it learn of it; the next look may succeed.
      return false
    }
  }
}
