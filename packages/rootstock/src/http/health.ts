import { elapsed } from "../clock/index.ts"
import { ConfigError, TimeoutError, UnavailableError } from "../errors/index.ts"
import type { Logger } from "../log/index.ts"

/** How long a database may take to answer before it counts as away, in milliseconds. */
const patience = 2_000

/** Asks a database something trivial; rejects where it does not answer. */
export type Probe = () => Promise<unknown>

/** What `/health` answers. */
export type Health = {
  status: "healthy" | "unhealthy"
  database: string
  latency_ms: number
}

const late = Symbol("late")

/** Why a database did not answer, without host, user or password. */
function reasonOf(error: unknown): string {
  if (error === late || error instanceof TimeoutError) return "no answer in time"
  if (error instanceof UnavailableError) return "cannot be reached"
  if (error instanceof ConfigError) return "refuses the connection"
  return "query failed"
}

/**
 * Makes the health check over all databases. Requests that come while one check runs share it, so that a database that
 * hangs is asked once.
 */
export function healthCheck(probes: readonly Probe[], log: Logger): () => Promise<Health> {
  let running: Promise<Health> | undefined
  return () => {
    running ??= check(probes, log).finally(() => {
      running = undefined
    })
    return running
  }
}

async function check(probes: readonly Probe[], log: Logger): Promise<Health> {
  const start = elapsed()
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, patience, late)
  })
  const latency = () => Math.round((elapsed() - start) * 100) / 100
  try {
    await Promise.race([Promise.all(probes.map((probe) => probe())), limit])
    return { status: "healthy", database: "connected", latency_ms: latency() }
  } catch (error) {
    const reason = reasonOf(error)
    log.error(`Health check failed: ${reason}`)
    return { status: "unhealthy", database: reason, latency_ms: latency() }
  } finally {
    clearTimeout(timer)
  }
}
