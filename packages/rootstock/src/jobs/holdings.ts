import type { Query } from "../engine/index.ts"
import { type ColumnDefinition, definitionOf } from "../schema/index.ts"
import { asItIs, statement } from "./outcomes.ts"
import type { Identity, Taker } from "./source.ts"
import type { Backend } from "./storages.ts"
import { job } from "./tables.ts"

/** The jobs that workers hold, as the database knows them. */
export class Holdings {
  readonly #backend: Backend
  readonly #of: Query<readonly [id: string, attempt: number]>
  readonly #heldIn: Query<string>
  readonly #giveBack: Query
  readonly #giveBackAll: Query

  constructor(backend: Backend) {
    const { dialect } = backend
    const column = (key: string) => definitionOf(job).column.get(key) as ColumnDefinition
    const attempt = dialect.codec(column("attempt").type).decode
    const [worker, second] = [dialect.parameter(1), dialect.parameter(2)] as [string, string]
    // The attempt does not count, since it was not the job that failed.
    // What a worker has published and received itself it may do before that is noted.
    const waits = `UPDATE job SET state = 'wait', worker = NULL, attempt = attempt - 1 WHERE worker = ${worker} AND state <> 'wait'`
    this.#backend = backend
    const reads = { wide: false, writes: false, returns: true, label: "jobs.held", replanned: true } as const
    this.#of = {
      ...reads,
      sql: `SELECT id, attempt FROM job WHERE worker = ${worker} AND state <> 'wait'`,
      decode: ([id, raw]) => [id, attempt === undefined ? raw : (attempt(raw) as number)],
    }
    this.#heldIn = {
      ...reads,
      // The second condition on the state is the one of the index.
      sql: `SELECT id FROM job WHERE worker = ${worker} AND state = 'held' AND state <> 'wait' AND queue = ${second}`,
      decode: ([id]) => id,
    }
    this.#giveBack = statement(`${waits} AND ${dialect.among("id", second, column("id").type)}`, "jobs.giveBack")
    this.#giveBackAll = statement(waits, "jobs.giveBack")
  }

  /** The jobs that a worker holds, or answers for at a broker, and their attempts, by id. */
  async of(worker: string): Promise<Map<string, number>> {
    return new Map(await this.#backend.all(this.#of, [worker]))
  }

  /** The ids of the jobs of a queue that a worker holds. */
  heldIn(queue: string, worker: string): Promise<readonly string[]> {
    return this.#backend.all(this.#heldIn, [worker, queue])
  }

  /** Lets jobs that a worker holds, and has not begun, wait again where they waited. @returns how many */
  async giveBack(worker: string, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0
    return await this.#backend.run(this.#giveBack, [worker, this.#backend.dialect.list(ids)], asItIs)
  }

  /** Lets jobs of a queue wait again that were taken in this name, though nobody here was told. */
  async giveBackUnknown({ id }: Identity, queue: string, taker: Pick<Taker, "has">): Promise<void> {
    const held = await this.heldIn(queue, id)
    await this.giveBack(
      id,
      held.filter((one) => !taker.has(one)),
    )
  }

  /** Lets all jobs that a worker holds wait again. @returns how many */
  giveBackAll(worker: string): Promise<number> {
    return this.#backend.run(this.#giveBackAll, [worker], asItIs)
  }
}
