import { type Coherence, EmbeddedCoherence } from "../../../src/cache/index.ts"
import { redisCoherence } from "../../../src/cache/redis/index.ts"
import type { Database } from "../../../src/index.ts"

/**
 * Opens what keeps reads true.
 *
 * @param cache `none`, `memory`, or the URL of a Redis with a prefix behind `#`
 */
export async function openCoherence(cache: string, db: Database<any>): Promise<Coherence | undefined> {
  if (cache === "none") return undefined
  const report = (error: unknown) => console.error(error)
  if (cache === "memory") {
    return new EmbeddedCoherence({ foreignCommits: db.foreignCommits, random: Math.random, report })
  }
  const [url = "", prefix = ""] = cache.split("#")
  const coherence = redisCoherence(url, db, { prefix })
  await coherence.start()
  return coherence
}
