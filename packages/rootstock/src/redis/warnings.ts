import { elapsed } from "../clock/index.ts"

/** Tells people of something that is wrong, in a sentence. */
export type Warn = (message: string, cause?: unknown) => void

/**
 * Lets at most one warning through in each period.
 *
 * ### Examples
 *
 * ```ts
 * const warn = limitedWarnings((message) => log.warning(message))
 * ```
 */
export function limitedWarnings(warn: Warn, periodMs = 60_000): Warn {
  let last = Number.NEGATIVE_INFINITY
  return (message, cause) => {
    const now = elapsed()
    if (now - last < periodMs) return
    last = now
    warn(message, cause)
  }
}
