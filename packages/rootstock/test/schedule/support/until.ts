import { setTimeout as pause } from "node:timers/promises"
import { elapsed } from "../../../src/clock/index.ts"

/** Waits until `condition` holds. @throws where it does not within 20 seconds */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const start = elapsed(); !(await condition()); await pause(5)) {
    if (elapsed() - start > 20_000) throw new Error(`It did not come to it that ${what}`)
  }
}
