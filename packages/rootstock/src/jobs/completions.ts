import type { Query } from "../engine/index.ts"
import { type ColumnDefinition, definitionOf, type SqlValue } from "../schema/index.ts"
import { asItIs } from "./outcomes.ts"
import type { Backend } from "./storages.ts"
import { job } from "./tables.ts"
import type { TakenJob } from "./taken.ts"

const types = (["id", "attempt", "worker"] as const).map(
  (key) => (definitionOf(job).column.get(key) as ColumnDefinition).type,
)

/** Completes many held jobs, whose effects are elsewhere or nowhere, with one statement. */
export class BatchCompletion {
  readonly #backend: Backend
  readonly #statements = new Map<string, { query: Query<string>; bind: (values: SqlValue[]) => SqlValue[] }>()

  constructor(backend: Backend) {
    this.#backend = backend
  }

  /** @returns the ids of those that were held still */
  async complete(jobs: readonly TakenJob[], worker: string): Promise<Set<string>> {
    const { dialect } = this.#backend
    const steps = []
    for (let at = 0; at < jobs.length; ) {
      const count = dialect.rowsAtOnce(types.length, jobs.length - at)
      const { query, bind } = this.#statement(count)
      steps.push({
        query,
        values: bind(jobs.slice(at, at + count).flatMap(({ id, attempt }) => [id, attempt, worker])),
      })
      at += count
    }
    const results = await this.#backend.unit(steps, asItIs)
    return new Set(results.flatMap(({ rows }) => rows as string[]))
  }

  #statement(count: number) {
    const { dialect } = this.#backend
    const shape = dialect.rowsShape(count)
    const kept = this.#statements.get(shape)
    if (kept !== undefined) return kept
    const { select, bind } = dialect.rows(types, count)
    const query: Query<string> = {
      sql: `DELETE FROM job WHERE (id, attempt, worker) IN (${select(["id", "attempt", "worker"])}) RETURNING id`,
      decode: ([id]) => id,
      wide: false,
      writes: true,
      returns: true,
      label: "jobs.complete",
    }
    const made = { query, bind }
    this.#statements.set(shape, made)
    return made
  }
}
