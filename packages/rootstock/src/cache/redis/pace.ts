import type { Timers } from "./ports.ts"

/** Waits that end early when the cache stops, so that nothing is left behind. */
export class Pace {
  readonly timers: Timers
  readonly #waiting = new Set<() => void>()
  #stopped = false

  constructor(timers: Timers) {
    this.timers = timers
  }

  get stopped(): boolean {
    return this.#stopped
  }

  now(): number {
    return this.timers.now()
  }

  /** Waits at least so long, by the monotonic clock; ends at once when the cache stops. */
  async sleep(milliseconds: number): Promise<void> {
    const end = this.timers.now() + milliseconds
    // A timer may ring a little early.
    for (let left = milliseconds; left > 0 && !this.#stopped; left = end - this.timers.now()) {
      await new Promise<void>((resolve) => this.#wait(left, resolve))
    }
  }

  #wait(milliseconds: number, resolve: () => void): void {
    const wake = () => {
      cancel()
      this.#waiting.delete(wake)
      resolve()
    }
    const cancel = this.timers.after(milliseconds, wake)
    this.#waiting.add(wake)
  }

  /** Runs `work` again and again with pauses, until the cache stops. */
  async repeat(pauseMs: () => number, work: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      await this.sleep(pauseMs())
      if (!this.#stopped) await work()
    }
  }

  stop(): void {
    this.#stopped = true
    for (const wake of [...this.#waiting]) wake()
  }
}

/** Settles when `promise` does, and at once where the cache stops after so long. */
export async function within(timers: Timers, milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>()
  const cancel = timers.after(milliseconds, () => resolve(false))
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    cancel()
  }
}
