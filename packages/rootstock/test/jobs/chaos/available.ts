import { setTimeout as pause } from "node:timers/promises"
import { elapsed } from "../../../src/clock/index.ts"
import { UnavailableError } from "../../../src/errors/index.ts"

/** How long a database may be away, in milliseconds. */
const awayMs = 120_000

/** Does something that can be done again, until the database is not away any more. */
export async function whenAvailable<T>(work: () => Promise<T>): Promise<T> {
  const end = elapsed() + awayMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof UnavailableError) || elapsed() > end) throw error
      await pause(100)
    }
  }
}

/** Does something that need not be done while the database is away. */
export async function ifAvailable(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
    await pause(100)
  }
}
