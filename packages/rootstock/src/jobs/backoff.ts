const firstMs = 1_000
const longestMs = 3_600_000

/**
 * Milliseconds before the next attempt: `min(1 h, 1 s · 2^attempt)`, less up to a half of it, so that jobs which failed
 * together do not come back together.
 *
 * @param attempt the one that failed, from 1
 * @param random between 0 and 1
 */
export function retryDelay(attempt: number, random: number): number {
  return Math.min(longestMs, firstMs * 2 ** attempt) * (0.5 + random / 2)
}
