import {
  type ActedJob,
  cancelJobs,
  deleteJobs,
  type JobDetail,
  type JobFilter,
  type JobPage,
  type JobState,
  type Jobs,
  type JobTarget,
  listJobs,
  type RecordActed,
  retryJobs,
  runJobsNow,
  showJob,
} from "../../jobs/index.ts"
import { transaction } from "../../session/index.ts"
import type { AuditStorage } from "../../shared/index.ts"
import { rules } from "./rules.ts"

/** What can be done with jobs. */
export type JobAction = "retry" | "run" | "cancel" | "delete"

type Act = {
  readonly carryOut: (jobs: Jobs, target: JobTarget, record: RecordActed) => Promise<number>
  /** The states in which it can be done. */
  readonly states: readonly JobState[]
  /** In which state it leaves a job; undefined where it is gone. */
  readonly after: JobState | undefined
}

const acts: Readonly<Record<JobAction, Act>> = {
  retry: { carryOut: retryJobs, states: ["dead"], after: "waiting" },
  run: { carryOut: runJobsNow, states: ["waiting"], after: "waiting" },
  cancel: { carryOut: cancelJobs, states: ["waiting", "held", "at_broker"], after: "dead" },
  delete: { carryOut: deleteJobs, states: ["waiting", "held", "at_broker", "dead"], after: undefined },
}

/** What operators do with jobs. */
export class JobOperations {
  readonly #jobs: Jobs
  readonly #audit: AuditStorage

  constructor(jobs: Jobs, audit: AuditStorage) {
    this.#jobs = jobs
    this.#audit = audit
  }

  /** As `listJobs`. @throws ValidationError for a cursor of another list */
  list(filter: JobFilter, page: { cursor?: string | undefined; limit?: number | undefined }): Promise<JobPage> {
    return listJobs(this.#jobs, filter, page)
  }

  /** All that is known of a job. @throws RuleError `JOB_NOT_FOUND` */
  async get(id: string): Promise<JobDetail> {
    const found = await showJob(this.#jobs, id)
    if (found === undefined) throw rules.broken("JOB_NOT_FOUND", `There is no job ${id}.`)
    return found
  }

  /**
   * Acts on jobs, 500 in a transaction. Those that are in no state for it are left as they are. Where it fails midway, what
   * was done stays done, and can be told by the audit; it may be repeated.
   *
   * @returns on how many
   */
  act(action: JobAction, target: JobTarget): Promise<number> {
    return acts[action].carryOut(this.#jobs, target, (rows) => this.#record(action, rows))
  }

  /**
   * Acts on one job.
   *
   * @returns how it stands then; undefined where it is gone
   * @throws RuleError `JOB_NOT_FOUND`, `WRONG_JOB_STATE`
   */
  actOnOne(action: JobAction, id: string): Promise<JobDetail | undefined> {
    return transaction(
      async () => {
        const acted = await this.act(action, { ids: [id] })
        if (acted === 1) return showJob(this.#jobs, id)
        const { state } = await this.get(id)
        const { states } = acts[action]
        const why = states.includes(state) ? "it is being completed" : `it is ${state}`
        throw rules.broken("WRONG_JOB_STATE", `The job ${id} was left as it is: ${why}.`, {
          members: { state, possible_in: states },
        })
      },
      { name: "operations.jobs" },
    )
  }

  /** Payloads are left out: they may be large, and what somebody deletes should be gone. */
  #record(action: JobAction, rows: readonly ActedJob[]): Promise<void> {
    const { after: state } = acts[action]
    return this.#audit.recordAll(
      rows.map(({ id, queue, kind, attempt, lastError }) => ({
        action: `jobs.${action}`,
        entity: "job",
        entityId: id,
        before: { queue, kind, attempt, lastError },
        ...(state === undefined ? {} : { after: { state } }),
      })),
    )
  }
}
