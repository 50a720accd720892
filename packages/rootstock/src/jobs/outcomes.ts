import type { Query } from "../engine/index.ts"
import { transaction } from "../session/index.ts"
import { errorMessage, errorText } from "./error-text.ts"
import type { Fence } from "./fence.ts"
import type { Jobs } from "./jobs.ts"
import type { TakenJob } from "./taken.ts"

/** Why a job is dead. */
export type DeathReason = "attempts" | "permanent" | "cancelled"

/** The ways in which a taking of a job ends in the database. Each happens only while the taking stands. */
export class Outcomes {
  readonly #jobs: Jobs
  readonly #fence: Fence
  readonly #complete: Query
  readonly #retry: Query

  constructor(jobs: Jobs, fence: Fence) {
    const { dialect } = jobs.backend
    this.#jobs = jobs
    this.#fence = fence
    this.#complete = statement(`DELETE FROM job WHERE ${fence.condition(dialect, 0)}`, "jobs.complete")
    this.#retry = statement(
      `UPDATE job SET state = 'wait', worker = NULL, run_at = ${dialect.parameter(1)}, last_error = ${dialect.parameter(2)} WHERE ${fence.condition(dialect, 2)}`,
      "jobs.retry",
    )
  }

  /** Completes a job, in the ambient transaction. @returns whether the taking stood */
  async complete(job: TakenJob): Promise<boolean> {
    return (await this.#jobs.backend.run(this.#complete, this.#fence.values(job), asItIs)) === 1
  }

  /** Lets a job wait for its next attempt. @returns whether the taking stood */
  retry(job: TakenJob, error: unknown, runAt: Date): Promise<boolean> {
    const values = [runAt.toISOString(), errorMessage(error), ...this.#fence.values(job)]
    return this.#ending("jobs.retry", this.#retry, values, () => this.#remember(job, error))
  }

  /** Gives a job up. @returns whether the taking stood */
  bury(job: TakenJob, error: unknown, reason: DeathReason): Promise<boolean> {
    return this.#ending("jobs.bury", this.#complete, this.#fence.values(job), async () => {
      const { runAt: _, ...facts } = job
      await this.#jobs.store.dead.create({
        ...facts,
        reason,
        lastError: errorMessage(error),
        diedAt: this.#jobs.clock.now(),
      })
      await this.#remember(job, error)
    })
  }

  #ending(name: string, query: Query, values: Parameters<Jobs["backend"]["run"]>[1], follow: () => Promise<void>) {
    return transaction(
      async () => {
        const stood = (await this.#jobs.backend.run(query, values, asItIs)) === 1
        if (stood) await follow()
        return stood
      },
      { name },
    )
  }

  async #remember({ id, attempt }: TakenJob, error: unknown): Promise<void> {
    await this.#jobs.store.errors.create({ jobId: id, attempt, error: errorText(error), at: this.#jobs.clock.now() })
  }
}

export function statement(sql: string, label: string): Query {
  return { sql, decode: (row) => row, wide: false, writes: true, returns: false, label, replanned: true }
}

/** For statements whose errors say already what can be said. */
export const asItIs = (error: unknown): Promise<unknown> => Promise.resolve(error)
