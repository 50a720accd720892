import { afterEach, beforeEach } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { type Clock, elapsed, systemClock } from "../../src/clock/index.ts"
import { UnavailableError } from "../../src/errors/index.ts"
import { objectOf, wholeNumber } from "../../src/fields/index.ts"
import { Storage, type TableStorage } from "../../src/index.ts"
import {
  type Job,
  type JobHandler,
  type Jobs,
  type JobsOptions,
  type JobWorker,
  jobTables,
  openJobs,
  type WorkerOptions,
} from "../../src/jobs/index.ts"
import { createLogger } from "../../src/log/index.ts"
import { identity, integer, table } from "../../src/schema/index.ts"
import { forEachDatabase, type Place } from "../storage/support.ts"

/** What jobs leave behind. */
export const ledger = table("ledger", { id: identity(), n: integer() })
export class Ledger extends Storage(ledger) {}

export const tables = { ...jobTables, ledger }

/** The payload of most jobs here. */
export const numbered = objectOf("Numbered", { n: wholeNumber(0) })

/** A database with jobs, emptied before each test. */
export type JobsPlace = Place<typeof tables> & {
  readonly ledger: TableStorage<typeof ledger>
  /** What was logged, as `LEVEL message`. */
  readonly lines: readonly string[]
  open(jobs: readonly Job[], options?: Partial<JobsOptions>): Jobs
  /** Starts a worker, which is stopped after the test. */
  work(jobs: Jobs, handlers: readonly JobHandler[], options?: WorkerOptions): Promise<JobWorker>
  /** The numbers in the ledger, in the order in which they came. */
  effects(): Promise<number[]>
}

/** Defines the same cases on SQLite (a file, and in memory) and on the PostgreSQL servers that are there. */
export function forEachJobs(define: (place: JobsPlace) => void, clock: Clock = systemClock): void {
  forEachDatabase(
    tables,
    (place) => {
      const lines: string[] = []
      const workers: JobWorker[] = []
      const own = Object.create(place) as { -readonly [K in keyof JobsPlace]: JobsPlace[K] }
      Object.assign(own, {
        lines,
        open: (jobs: readonly Job[], options: Partial<JobsOptions> = {}) =>
          openJobs(place.db, { jobs, log: logTo(lines), ...options }),
        async work(jobs: Jobs, handlers: readonly JobHandler[], options: WorkerOptions = {}) {
          const worker = jobs.worker({ handlers, ...quick, ...options })
          workers.push(worker)
          await worker.start()
          return worker
        },
        effects: async () => (await own.ledger.list({ orderBy: { id: "asc" } })).map(({ n }) => n),
      })
      beforeEach(() => {
        own.ledger = place.db.storage(Ledger)
        lines.length = 0
      })
      afterEach(async () => {
        await Promise.all(workers.splice(0).map((worker) => worker.stop({ now: true })))
      })
      define(own)
    },
    { clock, nPlusOne: { mode: "off" } },
  )
}

/** Short intervals, so that nothing has to be waited for. */
export const quick: WorkerOptions = { pollMs: 50, heartbeatMs: 100, lostAfterMs: 600, rescueMs: 50, patienceMs: 5_000 }

/** As `quick`, but with time for the thread that stands in to get its turn on a busy machine. */
export const patient: WorkerOptions = { ...quick, lostAfterMs: 2_000 }

function logTo(lines: string[]) {
  const write = (line: string) => {
    const { level, message } = JSON.parse(line) as { level: string; message: string }
    lines.push(`${level} ${message}`)
  }
  return createLogger({ name: "jobs", level: "debug", format: "json", destination: { write } })
}

/** Waits until something holds. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, limitMs = 60_000): Promise<void> {
  const end = elapsed() + limitMs
  while (!(await holds())) {
    if (elapsed() > end) throw new Error(`it did not happen in ${limitMs} ms: ${what}`)
    await pause(2)
  }
}

/** Waits until no job is left that waits or is held. */
export function done(jobs: Jobs): Promise<void> {
  return until(async () => (await jobs.store.jobs.count()) === 0, "all jobs are done")
}

/**
 * The next statement with this label is not answered, and carried out only when it was looked what it has done.
 *
 * @returns whether it was carried out
 */
export function carryOutLate({ backend }: Jobs, label: string): () => boolean {
  const calls = { all: backend.all.bind(backend), run: backend.run.bind(backend) } as const
  let late: (() => Promise<unknown>) | undefined
  let [begun, carriedOut] = [false, false]
  const through = (call: (...values: never[]) => Promise<unknown>) =>
    (async (query: { label: string }, ...others: unknown[]) => {
      const carryOut = () => call(...([query, ...others] as never[]))
      if (query.label === label && late === undefined) {
        late = carryOut
        throw new UnavailableError("The answer was lost.", { cure: "Nothing." })
      }
      const answer = await carryOut()
      if (query.label === "jobs.held" && late !== undefined && !begun) {
        begun = true
        await late()
        carriedOut = true
      }
      return answer
    }) as never
  backend.all = through(calls.all as never)
  backend.run = through(calls.run as never)
  return () => carriedOut
}
