/** A source of time; the only one that the library and the systems ask. */
export type Clock = {
  /** The present instant, with millisecond precision. */
  now(): Date
}

/**
 * The machine's clock.
 *
 * ### Examples
 *
 * ```ts
 * systemClock.now().toISOString() // "2026-01-31T09:00:00.000Z"
 * ```
 */
export const systemClock: Clock = Object.freeze({ now: () => new Date() })

/** A clock that stands still until it is told to move; for tests. */
export type ManualClock = Clock & {
  /** Sets the present instant. */
  set(instant: Date | string): void
  /** Moves the present instant by `milliseconds`, which may be negative. */
  advance(milliseconds: number): void
}

/**
 * Makes a clock that stands at `start`.
 *
 * ### Examples
 *
 * ```ts
 * const clock = manualClock("2026-01-31T09:00:00Z")
 * clock.advance(1_000)
 * clock.now().toISOString() // "2026-01-31T09:00:01.000Z"
 * ```
 */
export function manualClock(start: Date | string): ManualClock {
  let present = new Date(start).getTime()
  return {
    now: () => new Date(present),
    set(instant) {
      present = new Date(instant).getTime()
    },
    advance(milliseconds) {
      present += milliseconds
    },
  }
}

/** Monotonic milliseconds for measuring how long something took; never a point in time. */
export const elapsed = (): number => performance.now()
