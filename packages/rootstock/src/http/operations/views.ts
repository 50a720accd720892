import type { JobDetail, JobStats, JobSummary, QueueDepth } from "../../jobs/index.ts"
import type { Schedule } from "../../schedule/index.ts"
import { job, jobDetail, queuesAndWorkers, schedule } from "./fields.ts"
import type { ScheduleOperations } from "./schedule-operations.ts"

/** Fires that are shown with a schedule. */
export const shownFires = 10

type WithNulls<T> = { [K in keyof T]: undefined extends T[K] ? Exclude<T[K], undefined> | null : T[K] }

/** A value with null in place of undefined, as JSON shows what is not there. */
function withNulls<T extends object>(value: T): WithNulls<T> {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, item ?? null])) as WithNulls<T>
}

export const queueView = (queue: QueueDepth) => withNulls(queue)

export const statsView = ({ queues, workers }: JobStats) => ({ queues: queues.map(queueView), workers: [...workers] })

export const jobView = (one: JobSummary) => withNulls(one)

export const jobDetailView = ({ errors, ...rest }: JobDetail) => ({ ...withNulls(rest), errors: [...errors] })

/** A schedule with its next fires. */
export function scheduleView(one: Schedule, schedules: ScheduleOperations) {
  const { misfire } = one
  return {
    ...one,
    ...(typeof misfire === "object"
      ? { misfire: "all" as const, misfireMax: misfire.all }
      : { misfire, misfireMax: null }),
    nextFires: schedules.upcoming(one, shownFires),
  }
}

/** What is shown as calls answer it, for other ways of showing it. */
export const operationsJson = {
  stats: (stats: JobStats) => queuesAndWorkers.toJson?.(statsView(stats)),
  job: (one: JobSummary) => job.toJson?.(jobView(one)),
  jobDetail: (one: JobDetail) => jobDetail.toJson?.(jobDetailView(one)),
  schedule: (one: Schedule, schedules: ScheduleOperations) => schedule.toJson?.(scheduleView(one, schedules)),
}
