export { type Cron, parseCron, shortestInterval } from "./cron.ts"
export {
  type DeclaredSchedule,
  defineSchedule,
  type MisfireOptions,
  type Sent,
  type SentJson,
} from "./define.ts"
export { firesAfter, nextFire } from "./fires.ts"
export type { Fire } from "./make-fires.ts"
export type { Misfire } from "./misfire.ts"
export { openScheduler, Scheduler, type SchedulerOptions, type SchedulerStatus } from "./scheduler.ts"
export {
  type ChangedSchedule,
  type NewSchedule,
  openSchedules,
  type ScheduleChanges,
  type ScheduleFilter,
  Schedules,
  type UpcomingFire,
} from "./schedules.ts"
export { schedule, scheduleFire, scheduleTables } from "./tables.ts"
export type { RecurrenceInput, TimingInput } from "./timing.ts"
export type { Schedule, ScheduleState } from "./view.ts"
