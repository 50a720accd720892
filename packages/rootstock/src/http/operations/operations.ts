import type { Schedules } from "../../schedule/index.ts"
import { type Actor, AuditStorage } from "../../shared/index.ts"
import { JobOperations } from "./job-operations.ts"
import { QueueOperations } from "./queue-operations.ts"
import { ScheduleOperations } from "./schedule-operations.ts"

/** Who acts where an operator does, over HTTP or on the command line. */
export const operator: Actor = Object.freeze({ kind: "console", id: "operator" })

/**
 * What operators see of the queues, jobs and schedules of a database, and what they do with them. Each change is written
 * into `audit` in its own transaction, in the name of the present actor.
 *
 * ### Examples
 *
 * ```ts
 * const operations = new Operations(schedules)
 * await actAs(operator, () => operations.jobs.act("retry", { filter: { state: "dead", queue: "order" } }))
 * ```
 */
export class Operations {
  readonly queues: QueueOperations
  readonly jobs: JobOperations
  readonly schedules: ScheduleOperations

  /** @param schedules of the database, with its jobs */
  constructor(schedules: Schedules) {
    const { jobs } = schedules
    const audit = jobs.database.storage(AuditStorage)
    this.queues = new QueueOperations(jobs, audit)
    this.jobs = new JobOperations(jobs, audit)
    this.schedules = new ScheduleOperations(schedules, audit)
  }
}
