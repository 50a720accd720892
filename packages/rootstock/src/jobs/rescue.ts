import { elapsed } from "../clock/index.ts"
import type { Query } from "../engine/index.ts"
import { afterCommit, transaction } from "../session/index.ts"
import { retryDelay } from "./backoff.ts"
import { WorkerLostError } from "./errors.ts"
import { heldBy } from "./fence.ts"
import type { Jobs } from "./jobs.ts"
import { Outcomes } from "./outcomes.ts"
import { type TakenJob, takenColumns, takenDecoder } from "./taken.ts"

/** Jobs that are rescued in one transaction. */
const portion = 200

/**
 * Removes workers that show no life, and lets their jobs wait again.
 *
 * No clock of another machine is trusted: a worker is dead when its `seen` has not changed for so long by this process's
 * own monotonic clock. So it takes as long after a start before anything is found, and two machines whose clocks are
 * apart, or set, do no harm to each other. That a worker which only seems dead may go on does no harm either: its takings
 * stand no longer.
 */
export class Rescue {
  readonly #jobs: Jobs
  readonly #lostAfterMs: number
  /** When the present value of `seen` was first read, by worker. */
  readonly #watched = new Map<string, { seen: number; since: number }>()
  readonly #orphaned: Query<string>
  readonly #heldBy: Query<TakenJob>

  constructor(jobs: Jobs, lostAfterMs: number) {
    const { dialect } = jobs.backend
    this.#jobs = jobs
    this.#lostAfterMs = lostAfterMs
    const rows = { wide: false, returns: true, label: "jobs.rescue", replanned: true } as const
    this.#orphaned = {
      ...rows,
      sql: "SELECT DISTINCT worker FROM job WHERE state <> 'wait' AND worker IS NOT NULL AND NOT EXISTS (SELECT 1 FROM worker WHERE worker.id = job.worker)",
      decode: ([id]) => id,
      writes: false,
    }
    // What is locked is being completed at this moment, or its transaction hangs: it is looked at again next time.
    this.#heldBy = {
      ...rows,
      sql: `SELECT ${takenColumns} FROM job WHERE worker = ${dialect.parameter(1)} AND state <> 'wait' AND id > ${dialect.parameter(2)} ORDER BY id LIMIT ${portion} ${dialect.freeRowsClause}`,
      decode: takenDecoder(dialect),
      writes: true,
    }
  }

  /** One round. @returns how many jobs were rescued */
  async run(): Promise<number> {
    await this.#removeDead()
    let rescued = 0
    // Not only of those that were removed just now: of anybody without a row, whoever removed it.
    for (const worker of await this.#jobs.backend.all(this.#orphaned, [])) rescued += await this.#rescue(worker)
    return rescued
  }

  async #removeDead(): Promise<void> {
    const { workers } = this.#jobs.store
    const present = elapsed()
    const living = await workers.list()
    for (const { id, seen, host, pid } of living) {
      const watched = this.#watched.get(id)
      if (watched?.seen !== seen.getTime()) this.#watched.set(id, { seen: seen.getTime(), since: present })
      else if (present - watched.since >= this.#lostAfterMs) {
        // Only if it has not shown life in this very moment.
        if ((await workers.deleteWhere({ id, seen })) === 0) continue
        this.#watched.delete(id)
        this.#jobs.log.warning(`The worker ${id} shows no life and is removed`, { host, pid })
      }
    }
    const ids = new Set(living.map(({ id }) => id))
    for (const id of this.#watched.keys()) if (!ids.has(id)) this.#watched.delete(id)
  }

  async #rescue(worker: string): Promise<number> {
    const outcomes = new Outcomes(this.#jobs, heldBy(worker))
    let rescued = 0
    let last = "00000000-0000-0000-0000-000000000000"
    for (;;) {
      const jobs = await this.#portion(worker, outcomes, last)
      rescued += jobs.length
      if (jobs.length < portion) return rescued
      last = (jobs.at(-1) as TakenJob).id
    }
  }

  #portion(worker: string, outcomes: Outcomes, after: string): Promise<readonly TakenJob[]> {
    return transaction(
      async () => {
        const jobs = await this.#jobs.backend.all(this.#heldBy, [worker, after])
        for (const job of jobs) await this.#return(job, outcomes)
        return jobs
      },
      { name: "jobs.rescue" },
    )
  }

  /**
   * The attempt counts, since the job may be what ended the process. Those that were only beside it come back at times of
   * their own, so that hardly any is beside it again and again.
   */
  async #return(job: TakenJob, outcomes: Outcomes): Promise<void> {
    const { clock, random, measures } = this.#jobs
    const { queue, kind, attempt, maxAttempts } = job
    const error = new WorkerLostError("The worker that had the job showed no life.", {
      cure: "Look for what ended its process; it may be the job itself.",
    })
    const dies = attempt >= maxAttempts
    const backoff = this.#jobs.definition(kind)?.backoff ?? retryDelay
    const due = clock.now().getTime() + backoff(attempt, random())
    if (dies) await outcomes.bury(job, error, "attempts")
    else await outcomes.retry(job, error, new Date(due))
    afterCommit(() => {
      const measured = measures.of(job)
      measured.rescued++
      if (dies) measured.dead++
      else this.#jobs.wake(queue, due)
    })
  }
}
