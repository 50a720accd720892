import { manualClock } from "../../../src/clock/index.ts"
import type { Database } from "../../../src/index.ts"
import { openJobs } from "../../../src/jobs/index.ts"
import { createLogger } from "../../../src/log/index.ts"
import {
  openScheduler,
  openSchedules,
  type Scheduler,
  type SchedulerOptions,
  type Schedules,
} from "../../../src/schedule/index.ts"
import { forEachDatabase } from "../../storage/support.ts"
import { greet, remind, report, tables } from "./tables.ts"

/** Where a test on schedules takes place; the clock stands at 2026-01-01, midnight in UTC, when it begins. */
export type SchedulePlace = {
  readonly db: Database
  readonly url: string | undefined
  readonly clock: ReturnType<typeof manualClock>
  readonly schedules: Schedules
  /** Lines of the log, JSON. */
  readonly lines: string[]
  scheduler(options?: SchedulerOptions): Scheduler
  /** The jobs that were sent: kind, time, payload; by time. */
  sent(): Promise<{ kind: string; fireAt: string; payload: unknown }[]>
  /** The times of the jobs that were sent, as `MM-DDTHH:MM`. */
  times(): Promise<string[]>
}

export const start = "2026-01-01T00:00:00Z"

/** Defines the same cases on every engine. */
export function forEachPlace(define: (place: SchedulePlace) => void): void {
  const clock = manualClock(start)
  forEachDatabase(
    tables,
    (place) => {
      const lines: string[] = []
      const log = createLogger({
        name: "schedules",
        level: "debug",
        format: "json",
        destination: { write: (line) => lines.push(line) },
      })
      let schedules: Schedules | undefined
      const sent = async () => {
        const rows = await (schedules as Schedules).jobs.store.jobs.list({
          orderBy: [{ fireAt: "asc" }, { kind: "asc" }],
        })
        return rows.map(({ kind, fireAt, payload }) => ({ kind, fireAt: fireAt?.toISOString() ?? "", payload }))
      }
      define({
        get db() {
          return place.db as unknown as Database
        },
        get url() {
          return place.url
        },
        clock,
        lines,
        get schedules() {
          schedules ??= openSchedules(openJobs(place.db, { jobs: [report, remind, greet] }))
          return schedules
        },
        scheduler(options = {}) {
          return openScheduler(this.schedules, { log, ...options })
        },
        sent,
        times: async () => (await sent()).map(({ fireAt }) => fireAt.slice(5, 16)),
      })
    },
    { clock },
  )
}
