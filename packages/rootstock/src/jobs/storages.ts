import { Storage } from "../storage/index.ts"
import { inbox, job, jobDead, jobError, pausedQueue, worker } from "./tables.ts"

/** What storages run on, for statements that they cannot say. */
export type Backend = ConstructorParameters<ReturnType<typeof Storage>>[0]

export class JobStorage extends Storage(job) {
  readonly backend: Backend

  constructor(backend: Backend) {
    super(backend)
    this.backend = backend
  }
}
export class DeadJobStorage extends Storage(jobDead) {}
export class JobErrorStorage extends Storage(jobError) {}
export class PausedQueueStorage extends Storage(pausedQueue) {}
export class WorkerStorage extends Storage(worker) {}
export class InboxStorage extends Storage(inbox) {}

export const jobStorages = {
  jobs: JobStorage,
  dead: DeadJobStorage,
  errors: JobErrorStorage,
  paused: PausedQueueStorage,
  workers: WorkerStorage,
  inbox: InboxStorage,
} as const
