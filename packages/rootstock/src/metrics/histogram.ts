import type { HistogramSample } from "./metric.ts"

/** Seconds from a millisecond to an hour. */
export const secondsBounds: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600,
]

/** Counts observations in buckets. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0

  /** @param bounds upper bounds of the buckets, ascending */
  constructor(bounds: readonly number[] = secondsBounds) {
    this.#bounds = bounds
    this.#counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    let bucket = 0
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] as number)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#sum += value
  }

  sample(labels?: Readonly<Record<string, string>>): HistogramSample {
    return {
      ...(labels === undefined ? {} : { labels }),
      bounds: this.#bounds,
      counts: [...this.#counts],
      sum: this.#sum,
    }
  }
}
