import type { Timers } from "./ports.ts"

/** The order in which things begin within this process: a reader may take what was checked after it began. */
export class Order {
  #last = 0

  next(): number {
    return ++this.#last
  }
}

/** Makes tokens that no process uses twice, of letters, digits and dots. */
export class Tokens {
  readonly #start: string
  #made = 0

  constructor(timers: Timers) {
    const part = () => Math.floor(timers.random() * 2 ** 40).toString(36)
    this.#start = `${part()}${part()}.`
  }

  next(): string {
    return this.#start + (++this.#made).toString(36)
  }
}
