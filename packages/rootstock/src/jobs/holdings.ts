import type { Query } from "../engine/index.ts"
import { type ColumnDefinition, definitionOf } from "../schema/index.ts"
import { asItIs, statement } from "./outcomes.ts"
import type { Identity, Taker } from "./source.ts"
import type { Backend } from "./storages.ts"
import { job } from "./tables.ts"

/** The jobs that workers hold, as the database knows them. */
export class Holdings {
  readonly #backend: Backend
  readonly #of: Query<readonly [id: string, attempt: number, queue: string]>
  readonly #giveBack: Query
  readonly #giveBackAll: Query

  constructor(backend: Backend) {
    const { dialect } = backend
    const column = (key: string) => definitionOf(job).column.get(key) as ColumnDefinition
    const attempt = dialect.codec(column("attempt").type).decode
    const [worker, ids] = [dialect.parameter(1), dialect.parameter(2)]
    // The attempt does not count, since it was not the job that failed.
    const waits = `UPDATE job SET state = 'wait', worker = NULL, attempt = attempt - 1 WHERE worker = ${worker} AND state = 'held'`
    this.#backend = backend
    this.#of = {
      sql: `SELECT id, attempt, queue FROM job WHERE worker = ${worker} AND state = 'held'`,
      decode: ([id, raw, queue]) => [id, attempt === undefined ? raw : (attempt(raw) as number), queue],
      wide: false,
      writes: false,
      returns: true,
      label: "jobs.held",
    }
    this.#giveBack = statement(`${waits} AND ${dialect.among("id", ids as string, column("id").type)}`, "jobs.giveBack")
    this.#giveBackAll = statement(waits, "jobs.giveBack")
  }

  /** The jobs that a worker holds and their attempts, by id. */
  async of(worker: string, queue?: string): Promise<Map<string, number>> {
    const rows = await this.#backend.all(this.#of, [worker])
    return new Map(rows.filter((row) => queue === undefined || row[2] === queue).map(([id, attempt]) => [id, attempt]))
  }

  /** Lets jobs that a worker holds, and has not begun, wait again where they waited. @returns how many */
  async giveBack(worker: string, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0
    return await this.#backend.run(this.#giveBack, [worker, this.#backend.dialect.list(ids)], asItIs)
  }

  /** Lets jobs of a queue wait again that were taken in this name, though nobody here was told. */
  async giveBackUnknown({ id }: Identity, queue: string, taker: Pick<Taker, "has">): Promise<void> {
    const held = await this.of(id, queue)
    await this.giveBack(
      id,
      [...held.keys()].filter((one) => !taker.has(one)),
    )
  }

  /** Lets all jobs that a worker holds wait again. @returns how many */
  giveBackAll(worker: string): Promise<number> {
    return this.#backend.run(this.#giveBackAll, [worker], asItIs)
  }
}
