import { elapsed } from "../clock/index.ts"
import { ConfigError, TimeoutError, UnavailableError } from "../errors/index.ts"
import type { Logger } from "../log/index.ts"

/** How long a database may take to answer before it counts as away, in milliseconds. */
const patience = 2_000

/** Asks a database something trivial; rejects where it does not answer. */
export type Probe = () => Promise<unknown>

/** Whether something beside the databases answers; `off` where there is none by configuration. */
export type PartState = "connected" | "off" | "away"

/** What is asked for a health check. */
export type HealthParts = {
  /** The databases: without them nothing works. */
  readonly probes: readonly Probe[]
  /** The caches: without them everything works, but slower. */
  readonly cache?: (() => PartState) | undefined
  /** The broker: without it jobs wait in the databases. */
  readonly broker?: (() => PartState) | undefined
  /** What fires schedules. */
  readonly scheduler?: (() => PartState) | undefined
  /** Counts since the start of the process, by their names. */
  readonly counts?: (() => Readonly<Record<string, unknown>>) | undefined
}

/** What `/health` answers. */
export type Health = {
  status: "healthy" | "degraded" | "unhealthy"
  database: string
  cache: PartState
  broker: PartState
  scheduler: PartState
  latency_ms: number
  counts?: Readonly<Record<string, unknown>>
}

const late = Symbol("late")

/** Why a database did not answer, without host, user or password. */
function reasonOf(error: unknown): string {
  if (error === late || error instanceof TimeoutError) return "no answer in time"
  if (error instanceof UnavailableError) return "cannot be reached"
  if (error instanceof ConfigError) return "refuses the connection"
  return "query failed"
}

/** The state of several as one: away where one is, off where all are. */
export function worstOf(states: readonly PartState[]): PartState {
  if (states.includes("away")) return "away"
  return states.includes("connected") ? "connected" : "off"
}

/**
 * Makes the health check over all databases. Requests that come while one check runs share it, so that a database that
 * hangs is asked once.
 */
export function healthCheck(parts: HealthParts, log: Logger): () => Promise<Health> {
  let running: Promise<Health> | undefined
  return () => {
    running ??= check(parts, log).finally(() => {
      running = undefined
    })
    return running
  }
}

async function check({ probes, cache, broker, scheduler, counts }: HealthParts, log: Logger): Promise<Health> {
  const start = elapsed()
  const others = { cache: cache?.() ?? "off", broker: broker?.() ?? "off", scheduler: scheduler?.() ?? "off" } as const
  const rest = () => ({
    ...others,
    latency_ms: Math.round((elapsed() - start) * 100) / 100,
    ...(counts === undefined ? {} : { counts: counts() }),
  })
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, patience, late)
  })
  try {
    await Promise.race([Promise.all(probes.map((probe) => probe())), limit])
    const degraded = Object.values(others).includes("away")
    return { status: degraded ? "degraded" : "healthy", database: "connected", ...rest() }
  } catch (error) {
    const reason = reasonOf(error)
    log.error(`Health check failed: ${reason}`)
    return { status: "unhealthy", database: reason, ...rest() }
  } finally {
    clearTimeout(timer)
  }
}
