import type { Query } from "../../engine/index.ts"
import { type ColumnDefinition, type ColumnType, definitionOf } from "../../schema/index.ts"
import { asItIs, statement } from "../outcomes.ts"
import type { Backend } from "../storages.ts"
import { job } from "../tables.ts"
import { type TakenJob, takenColumns, takenDecoder } from "../taken.ts"
import type { Mark } from "./message.ts"
import { RowsStatement } from "./rows-statement.ts"

/** Most jobs of one look for lost messages. */
const mostAtOnce = 1_000

const typeOf = (key: string): ColumnType => (definitionOf(job).column.get(key) as ColumnDefinition).type

/**
 * The jobs that were handed to the broker, as the database knows them.
 *
 * The row of such a job is `at_broker`. As long as a worker stands in it, that worker answers for the message: it is not
 * confirmed, or not noted as such. Where none does, the broker answers. Who receives the message takes the job, in whichever
 * of the two it is, and only once: the message may come again, or a second one stand for the same taking.
 */
export class AtBroker {
  readonly #backend: Backend
  readonly #confirm: RowsStatement
  readonly #giveBack: RowsStatement<string>
  readonly #giveBackLost: RowsStatement<string>
  readonly #take: RowsStatement<TakenJob>
  readonly #standing: RowsStatement<Mark>
  readonly #of: Query<Mark>
  readonly #orphans: Query<string>
  readonly #confirmAll: Query
  readonly #inQueue: Query<Mark>
  readonly #fail: Query

  constructor(backend: Backend) {
    const { dialect } = backend
    const parameter = (index: number) => dialect.parameter(index)
    const [id, attempt, worker] = ["id", "attempt", "worker"].map(typeOf) as [ColumnType, ColumnType, ColumnType]
    const whole = dialect.codec(attempt).decode
    // What is locked is being taken, or removed: it needs neither.
    const found = (where: string) =>
      dialect.amongFound("id", `SELECT id FROM job WHERE ${where} AND state = 'at_broker' ${dialect.freeRowsClause}`)
    const waits = "UPDATE job SET state = 'wait', worker = NULL, attempt = attempt - 1"
    const mark: Query<Mark>["decode"] = ([one, raw]) => ({
      id: one,
      attempt: whole === undefined ? raw : (whole(raw) as number),
    })
    this.#backend = backend
    this.#confirm = new RowsStatement(backend, {
      columns: { id, attempt, worker },
      sql: (rows) => `UPDATE job SET worker = NULL WHERE ${found(`(id, attempt, worker) IN (${rows})`)}`,
      label: "jobs.confirm",
    })
    this.#giveBack = new RowsStatement(backend, {
      columns: { id, attempt, worker },
      sql: (rows) => `${waits} WHERE ${found(`(id, attempt, worker) IN (${rows})`)} RETURNING queue`,
      label: "jobs.giveBack",
      decode: ([queue]) => queue,
    })
    this.#giveBackLost = new RowsStatement(backend, {
      columns: { id, attempt },
      sql: (rows) => `${waits} WHERE ${found(`(id, attempt) IN (${rows}) AND worker IS NULL`)} RETURNING id`,
      label: "jobs.giveBack",
      decode: ([one]) => one,
    })
    this.#take = new RowsStatement(backend, {
      columns: { given_id: id, given_attempt: attempt, given_worker: worker },
      sql: (rows) =>
        `UPDATE job SET state = 'held', worker = given_worker FROM (${rows}) AS given WHERE job.id = given_id AND job.attempt = given_attempt AND job.state = 'at_broker' AND EXISTS (SELECT 1 FROM worker WHERE worker.id = given_worker) AND NOT EXISTS (SELECT 1 FROM paused_queue WHERE paused_queue.queue = job.queue) RETURNING ${takenColumns}`,
      label: "jobs.take",
      decode: takenDecoder(dialect),
    })
    this.#standing = new RowsStatement(backend, {
      columns: { id, attempt },
      sql: (rows) => `SELECT id, attempt FROM job WHERE (id, attempt) IN (${rows}) AND state = 'at_broker'`,
      label: "jobs.atBroker",
      decode: mark,
    })
    const reading = { wide: false, writes: false, returns: true, label: "jobs.atBroker" } as const
    this.#of = {
      ...reading,
      sql: `SELECT id, attempt FROM job WHERE worker = ${parameter(1)} AND state = 'at_broker' AND state <> 'wait' AND queue = ${parameter(2)}`,
      decode: mark,
    }
    this.#orphans = {
      ...reading,
      sql: `${waits} WHERE ${found("worker IS NOT NULL AND state <> 'wait' AND NOT EXISTS (SELECT 1 FROM worker WHERE worker.id = job.worker)")} RETURNING queue`,
      decode: ([queue]) => queue,
      writes: true,
      label: "jobs.rescue",
    }
    this.#confirmAll = statement(
      `UPDATE job SET worker = NULL WHERE worker = ${parameter(1)} AND state = 'at_broker' AND state <> 'wait'`,
      "jobs.confirm",
    )
    this.#inQueue = {
      ...reading,
      sql: `SELECT id, attempt FROM job WHERE worker IS NULL AND state = 'at_broker' AND state <> 'wait' AND queue = ${parameter(1)} ORDER BY id LIMIT ${mostAtOnce}`,
      decode: mark,
    }
    this.#fail = statement(
      `UPDATE job SET state = 'wait', worker = NULL, run_at = ${parameter(1)}, last_error = ${parameter(2)} WHERE id = ${parameter(3)} AND attempt = ${parameter(4)} AND state = 'at_broker'`,
      "jobs.retry",
    )
  }

  /** Notes that the broker has the messages. Jobs that were taken in the meantime are left as they are. */
  async confirm(jobs: readonly Mark[], worker: string): Promise<void> {
    await this.#confirm.run(jobs.map(({ id, attempt }) => [id, attempt, worker]))
  }

  /** Notes it of all that a worker still answers for. */
  async confirmAll(worker: string): Promise<void> {
    await this.#backend.run(this.#confirmAll, [worker], asItIs)
  }

  /** Lets jobs wait again whose messages are not at the broker, or not known to be. @returns their queues */
  async giveBack(jobs: readonly Mark[], worker: string): Promise<ReadonlySet<string>> {
    return new Set((await this.#giveBack.run(jobs.map(({ id, attempt }) => [id, attempt, worker]))).rows)
  }

  /** Lets jobs wait again whose messages the broker has lost. @returns how many */
  async giveBackLost(jobs: readonly Mark[]): Promise<number> {
    return (await this.#giveBackLost.run(jobs.map(({ id, attempt }) => [id, attempt]))).changes
  }

  /** Lets jobs wait again for whose messages a worker answered that is gone. @returns their queues */
  async giveBackOrphans(): Promise<ReadonlySet<string>> {
    return new Set(await this.#backend.all(this.#orphans, []))
  }

  /** Takes the jobs for which messages stand. Those that are not among them are another's, done, or in a paused queue. */
  async take(marks: readonly Mark[], worker: string): Promise<readonly TakenJob[]> {
    return (await this.#take.run(marks.map(({ id, attempt }) => [id, attempt, worker]))).rows
  }

  /** Those that are at the broker still, and not taken. */
  async standing(marks: readonly Mark[]): Promise<readonly Mark[]> {
    return (await this.#standing.run(marks.map(({ id, attempt }) => [id, attempt]))).rows
  }

  /** The jobs of a queue for whose messages a worker answers. */
  of(worker: string, queue: string): Promise<readonly Mark[]> {
    return this.#backend.all(this.#of, [worker, queue])
  }

  /** Some of the jobs of a queue that only the broker answers for. */
  inQueue(queue: string): Promise<readonly Mark[]> {
    return this.#backend.all(this.#inQueue, [queue])
  }

  /** Lets a job wait whose message the broker gave up. @returns whether the message still stood for it */
  async fail({ id, attempt }: Mark, message: string, runAt: Date): Promise<boolean> {
    return (await this.#backend.run(this.#fail, [runAt.toISOString(), message, id, attempt], asItIs)) === 1
  }
}
