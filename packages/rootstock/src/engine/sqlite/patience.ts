import { setTimeout as pause } from "node:timers/promises"
import { elapsed } from "../../clock/index.ts"
import { heldElsewhere, isBusy } from "./errors.ts"

/**
 * Runs what may meet a lock of another connection, again and again until it succeeds. SQLite's own waiting would block
 * the event loop; here it stays free between the tries.
 *
 * @param limitMs how long it is tried, in milliseconds
 * @throws TimeoutError where the lock is held for longer; whatever else `work` throws
 */
export async function patiently<T>(limitMs: number, work: () => T): Promise<T> {
  const end = elapsed() + limitMs
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error)) throw error
      if (elapsed() > end) throw heldElsewhere(limitMs, error)
    }
    await pause(1 + Math.random() * 9)
  }
}
