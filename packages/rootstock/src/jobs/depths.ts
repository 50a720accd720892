import type { Query } from "../engine/index.ts"
import { type ColumnDefinition, definitionOf } from "../schema/index.ts"
import type { Jobs } from "./jobs.ts"
import { job } from "./tables.ts"

/** The most that is counted, so that a look at a full queue is as cheap as at an empty one. */
export const mostCounted = 10_000

/** How a queue stands. Numbers of jobs are counted up to 10,000. */
export type QueueDepth = {
  readonly queue: string
  /** Due or not. */
  readonly waiting: number
  readonly held: number
  readonly atBroker: number
  readonly dead: number
  /** How long the job that waits longest has been due, in milliseconds; undefined where none is due. */
  readonly oldestReadyMs: number | undefined
  readonly paused: boolean
}

type Counted = { readonly waiting: number; readonly held: number; readonly atBroker: number; readonly dead: number }

/** How all queues stand: those of the known kinds of jobs, and any other in which a job waits. */
export async function depths(
  jobs: Jobs,
): Promise<{ readonly queues: readonly QueueDepth[]; readonly workers: number }> {
  const { backend, store, clock, definitions } = jobs
  const { names, counted, oldest } = statements(jobs)
  const [found, paused, workers] = await Promise.all([
    backend.all(names, []),
    store.paused.list(),
    store.workers.count(),
  ])
  const isPaused = new Set(paused.map(({ queue }) => queue))
  const all = new Set([...definitions.map(({ queue }) => queue), ...found, ...isPaused])
  const present = clock.now().getTime()
  const queues = [...all].sort().map(async (queue): Promise<QueueDepth> => {
    const [counts, first] = await Promise.all([backend.first(counted, [queue]), backend.first(oldest, [queue])])
    const late = first === undefined || first === null ? -1 : present - first.getTime()
    return {
      queue,
      ...(counts as Counted),
      oldestReadyMs: late < 0 ? undefined : late,
      paused: isPaused.has(queue),
    }
  })
  return { queues: await Promise.all(queues), workers }
}

type Statements = {
  readonly names: Query<string>
  readonly counted: Query<Counted>
  readonly oldest: Query<Date | null>
}

const kept = new WeakMap<Jobs, Statements>()

function statements(jobs: Jobs): Statements {
  let made = kept.get(jobs)
  if (made === undefined) {
    made = makeStatements(jobs)
    kept.set(jobs, made)
  }
  return made
}

function makeStatements({ backend: { dialect } }: Jobs): Statements {
  const queue = dialect.parameter(1)
  const reading = { wide: false, writes: false, returns: true, label: "jobs.depths", replanned: true } as const
  const column = (key: string) => definitionOf(job).column.get(key) as ColumnDefinition
  const instant = dialect.codec(column("runAt").type).decode
  const whole = dialect.codec(column("attempt").type).decode ?? ((raw: unknown) => raw)
  const count = (from: string) => `(SELECT count(*) FROM (SELECT 1 FROM ${from} LIMIT ${mostCounted}) AS counted)`
  return {
    // Leaps from one queue to the next along the index of waiting jobs, of which there may be a million.
    names: {
      ...reading,
      sql: `WITH RECURSIVE names(queue) AS (
        SELECT min(queue) FROM job WHERE state = 'wait'
        UNION ALL SELECT (SELECT min(job.queue) FROM job WHERE job.state = 'wait' AND job.queue > names.queue) FROM names WHERE names.queue IS NOT NULL
      ) SELECT queue FROM names WHERE queue IS NOT NULL`,
      decode: ([name]) => name,
    },
    counted: {
      ...reading,
      sql: `SELECT ${[
        count(`job WHERE queue = ${queue} AND state = 'wait'`),
        count(`job WHERE queue = ${queue} AND state = 'held' AND state <> 'wait'`),
        count(`job WHERE queue = ${queue} AND state = 'at_broker' AND state <> 'wait'`),
        count(`job_dead WHERE queue = ${queue}`),
      ].join(", ")}`,
      decode: (row) => {
        const [waiting, held, atBroker, dead] = row.map(whole) as [number, number, number, number]
        return { waiting, held, atBroker, dead }
      },
    },
    oldest: {
      ...reading,
      sql: `SELECT min(run_at) FROM (${[0, 1, 2, 3, 4]
        .map(
          (lane) =>
            `SELECT run_at FROM (SELECT run_at FROM job WHERE queue = ${queue} AND state = 'wait' AND lane = ${lane} ORDER BY run_at LIMIT 1) AS lane_${lane}`,
        )
        .join(" UNION ALL ")}) AS firsts`,
      decode: ([raw]) => (raw === null || instant === undefined ? raw : (instant(raw) as Date)),
    },
  }
}
