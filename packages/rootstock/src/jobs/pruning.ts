import type { Dialect, Query } from "../engine/index.ts"
import type { SqlValue } from "../schema/index.ts"
import type { Jobs } from "./jobs.ts"
import { asItIs, statement } from "./outcomes.ts"

/** How long history is kept, in days. */
export type KeepDays = {
  /** Dead jobs (default 90). */
  readonly dead?: number
  /** What went wrong, attempt by attempt (default 90). */
  readonly errors?: number
  /** The ids of messages of foreign producers (default 30). */
  readonly inbox?: number
}

const portion = 1_000
const dayMs = 86_400_000

/** Removes history that is older than it has to be, in portions, so that nobody waits for it long. */
export class Pruning {
  readonly #jobs: Jobs
  readonly #parts: readonly { readonly query: Query; readonly days: number; readonly values?: readonly SqlValue[] }[]

  /** @param published whether jobs that are for whoever listens at a broker go too, where there is none */
  constructor(jobs: Jobs, { dead = 90, errors = 90, inbox = 30 }: KeepDays = {}, published = false) {
    const { dialect } = jobs.backend
    const old = (table: string, key: string, instant: string) =>
      statement(
        `DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${table} WHERE ${instant} < ${dialect.parameter(1)} ORDER BY ${instant} LIMIT ${portion})`,
        "jobs.prune",
      )
    this.#jobs = jobs
    this.#parts = [
      { query: old("job_dead", "id", "died_at"), days: dead },
      { query: old("job_error", "id", "at"), days: errors },
      {
        query: statement(
          `DELETE FROM inbox WHERE (consumer, message_id) IN (SELECT consumer, message_id FROM inbox WHERE at < ${dialect.parameter(1)} ORDER BY at LIMIT ${portion})`,
          "jobs.prune",
        ),
        days: inbox,
      },
      ...(published ? jobs.definitions : []).flatMap(({ kind, queue, published: kept }) =>
        kept === undefined ? [] : [{ query: this.#old(dialect), days: kept.keepDays, values: [queue, kind] }],
      ),
    ]
  }

  /** Jobs that nobody took. */
  #old(dialect: Dialect): Query {
    const [before, queue, kind] = [1, 2, 3].map((index) => dialect.parameter(index))
    const waiting = `state = 'wait' AND queue = ${queue} AND kind = ${kind} AND created_at < ${before}`
    return statement(`DELETE FROM job WHERE id IN (SELECT id FROM job WHERE ${waiting} LIMIT ${portion})`, "jobs.prune")
  }

  /** @returns how many rows were removed */
  async run(signal?: AbortSignal): Promise<number> {
    const present = this.#jobs.clock.now().getTime()
    let removed = 0
    for (const { query, days, values = [] } of this.#parts) {
      const before = new Date(present - days * dayMs).toISOString()
      for (let last = portion; last === portion && signal?.aborted !== true; removed += last) {
        last = await this.#jobs.backend.run(query, [before, ...values], asItIs)
      }
    }
    return removed
  }
}
