/** Durations of the protocol, in milliseconds; the same in every process of a system. */
export type Timings = {
  /** Δ: how long a look at `cache_ctl` is relied on, and how long a filler's token lives. */
  readonly leaseMs: number
  /** Δ': after so long every look that was taken before is relied on no more, on any clock whose rate is within 1 %. */
  readonly fenceMs: number
  /** ℓ: how long after its barrier the process's memory is used. */
  readonly windowMs: number
  /** How much longer than the window a writer waits, as a factor: clocks' rates differ by 1 %. */
  readonly windowFactor: number
  /** How long a writer tries to reach Redis before it turns the cache off. */
  readonly patienceMs: number
  /** The same where staleness is only bounded: it is part of the bound. */
  readonly boundedPatienceMs: number
  /** How long a reader waits for another process that loads the same entry. */
  readonly pollMs: number
  /** How often the recorded invalidations are looked through. */
  readonly sweepMs: number
  /** What has been recorded for so long is done by whoever sees it. */
  readonly oldMs: number
}

export const timings: Timings = Object.freeze({
  leaseMs: 1_000,
  fenceMs: 1_040,
  windowMs: 20,
  windowFactor: 1.04,
  patienceMs: 500,
  boundedPatienceMs: 100,
  pollMs: 1_000,
  sweepMs: 450,
  oldMs: 1_000,
})
