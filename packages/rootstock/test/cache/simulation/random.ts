/** Numbers that look random and are the same for the same seed (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Between 0 and 1, without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.next() * (most - least)
  }

  /** A number from `least` to `most` whose logarithm is evenly spread: mostly short, sometimes long. */
  spread(least: number, most: number): number {
    return least * (most / least) ** this.next()
  }

  whole(below: number): number {
    return Math.floor(this.next() * below)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(values: readonly T[]): T {
    return values[this.whole(values.length)] as T
  }

  /** A stream of its own, so that one part's draws do not move another's. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 2 ** 32))
  }
}

/** The same for who asks for numbers between 0 and 1 only. */
export function randomOf(seed: number): () => number {
  const random = new Random(seed)
  return () => random.next()
}
