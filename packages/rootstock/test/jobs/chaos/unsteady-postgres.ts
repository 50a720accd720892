import { setTimeout as pause } from "node:timers/promises"
import { startEmbeddedPostgres } from "../../../../../scripts/test/embedded-postgres.ts"
import { randomNumbers } from "./chaos.ts"
import type { UnsteadyServer } from "./unsteady-broker.ts"

const endings = ["fast", "immediate", "kill"] as const

/** Starts a PostgreSQL that ends in each of its ways, and starts again. */
export async function startUnsteadyPostgres(seed: number): Promise<UnsteadyServer<(typeof endings)[number]>> {
  const server = await startEmbeddedPostgres({ durable: true })
  const random = randomNumbers(seed + 2)
  const counts = { fast: 0, immediate: 0, kill: 0 }
  return {
    url: server.url,
    counts,
    chance: 0.02,
    async disturb() {
      // Behind some work, so that something is under way.
      await pause(500 + random() * 1_000)
      const how = endings.find((one) => counts[one] === 0) ?? (endings[Math.floor(random() * 3)] as "fast")
      counts[how]++
      await server.restart(how)
    },
    stop: () => server.stop(),
  }
}
