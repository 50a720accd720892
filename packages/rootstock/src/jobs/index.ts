export { retryDelay } from "./backoff.ts"
export {
  type ActedJob,
  cancelJobs,
  deleteJobs,
  type JobTarget,
  type RecordActed,
  retryJobs,
  runJobsNow,
} from "./control/actions.ts"
export { type JobFilter, type JobPage, type JobState, type JobSummary, listJobs } from "./control/list.ts"
export { type JobStats, jobStats, pauseQueue, resumeQueue } from "./control/queues.ts"
export { type JobDetail, showJob } from "./control/show.ts"
export {
  type Backoff,
  type CommitContext,
  defineJob,
  type Handler,
  handle,
  type Job,
  type JobContext,
  type JobHandler,
  type JobOptions,
  type Lane,
} from "./define.ts"
export { mostCounted, type QueueDepth } from "./depths.ts"
export {
  FencedOutError,
  JobInterruptedError,
  JobTimeoutError,
  PermanentError,
  RetryAfterError,
  WorkerLostError,
} from "./errors.ts"
export { receiveOnce } from "./inbox.ts"
export { type Jobs, type JobsOptions, openJobs } from "./jobs.ts"
export type { KindMeasures, Measures } from "./measures.ts"
export type { Payload } from "./payload.ts"
export type { KeepDays } from "./pruning.ts"
export type { SendOptions } from "./send.ts"
export { inbox, job, jobDead, jobError, jobTables, pausedQueue, worker } from "./tables.ts"
export type { JobWorker, WorkerOptions } from "./worker.ts"
