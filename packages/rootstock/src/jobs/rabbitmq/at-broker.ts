import type { Query } from "../../engine/index.ts"
import { type ColumnDefinition, type ColumnType, definitionOf } from "../../schema/index.ts"
import { asItIs, statement } from "../outcomes.ts"
import type { Backend } from "../storages.ts"
import { job } from "../tables.ts"
import { type TakenJob, takenColumns, takenDecoder } from "../taken.ts"
import type { Mark } from "./message.ts"

/** Most jobs of one look for lost messages. */
const mostAtOnce = 1_000

const typeOf = (key: string): ColumnType => (definitionOf(job).column.get(key) as ColumnDefinition).type

/**
 * The jobs that were handed to the broker, as the database knows them.
 *
 * The row of such a job is `at_broker`. As long as a worker stands in it, that worker answers for the message: it is not
 * confirmed, or not noted as such. Where none does, the broker answers. Who receives a message takes the job, in whichever
 * of the two it is, and only once: the message may come again, or several stand for one taking. The worker that answers
 * has the job already, and begins it without a word to the database; that it is held is noted if it takes a while.
 *
 * Jobs are found by their ids alone, which is by the primary key whatever the planner believes of a table that is empty at
 * one moment and full at the next.
 */
export class AtBroker {
  readonly #backend: Backend
  readonly #confirm: Query
  readonly #hold: Query<string>
  readonly #mayTake: Query<number>
  readonly #giveBack: Query<string>
  readonly #giveBackLost: Query<string>
  readonly #take: Query<TakenJob>
  readonly #standing: Query<Mark>
  readonly #of: Query<Mark>
  readonly #inQueue: Query<Mark>
  readonly #fail: Query

  constructor(backend: Backend) {
    const { dialect } = backend
    const [first, second, third, fourth] = [1, 2, 3, 4].map((index) => dialect.parameter(index)) as [
      string,
      string,
      string,
      string,
    ]
    const these = dialect.among("id", first, typeOf("id"))
    const whole = dialect.codec(typeOf("attempt")).decode
    const mark: Query<Mark>["decode"] = ([id, raw]) => ({
      id,
      attempt: whole === undefined ? raw : (whole(raw) as number),
    })
    const one: Query<string>["decode"] = ([value]) => value
    // What is locked is being taken, or removed: it needs neither.
    const found = (where: string) =>
      dialect.amongFound("id", `SELECT id FROM job WHERE ${where} AND state = 'at_broker' ${dialect.freeRowsClause}`)
    const waits = "UPDATE job SET state = 'wait', worker = NULL, attempt = attempt - 1"
    const workerLives = (worker: string) => `EXISTS (SELECT 1 FROM worker WHERE worker.id = ${worker})`
    const open = "NOT EXISTS (SELECT 1 FROM paused_queue WHERE paused_queue.queue = job.queue)"
    const rows = { wide: false, writes: true, returns: true, replanned: true } as const
    // The second condition on the state is the one of the index.
    const atBroker = "state = 'at_broker' AND state <> 'wait'"
    this.#backend = backend
    this.#confirm = statement(
      `UPDATE job SET worker = NULL WHERE ${found(`${these} AND worker = ${second}`)}`,
      "jobs.confirm",
    )
    this.#giveBack = {
      ...rows,
      sql: `${waits} WHERE ${found(`${these} AND (worker = ${second} OR worker IS NULL)`)} RETURNING queue`,
      label: "jobs.giveBack",
      decode: one,
    }
    this.#giveBackLost = {
      ...rows,
      sql: `${waits} WHERE ${found(`${these} AND worker IS NULL`)} RETURNING id`,
      label: "jobs.giveBack",
      decode: one,
    }
    this.#hold = {
      ...rows,
      sql: `UPDATE job SET state = 'held' WHERE ${found(`${these} AND worker = ${second} AND attempt = ${third}`)} RETURNING id`,
      label: "jobs.hold",
      decode: one,
    }
    this.#mayTake = {
      ...rows,
      writes: false,
      sql: `SELECT 1 WHERE ${workerLives(first)} AND NOT EXISTS (SELECT 1 FROM paused_queue WHERE queue = ${second})`,
      label: "jobs.mayTake",
      decode: () => 1,
    }
    this.#take = {
      ...rows,
      sql: `UPDATE job SET state = 'held', worker = ${second} WHERE ${these} AND state = 'at_broker' AND ${workerLives(second)} AND ${open} RETURNING ${takenColumns}`,
      label: "jobs.take",
      decode: takenDecoder(dialect),
    }
    const reading = { ...rows, writes: false, label: "jobs.atBroker", decode: mark }
    const marks = "SELECT id, attempt FROM job WHERE"
    this.#standing = { ...reading, sql: `${marks} ${these} AND state = 'at_broker'` }
    this.#of = { ...reading, sql: `${marks} worker = ${first} AND ${atBroker} AND queue = ${second}` }
    this.#inQueue = {
      ...reading,
      sql: `${marks} worker IS NULL AND ${atBroker} AND queue = ${first} ORDER BY id LIMIT ${mostAtOnce}`,
    }
    this.#fail = statement(
      `UPDATE job SET state = 'wait', worker = NULL, run_at = ${first}, last_error = ${second} WHERE id = ${third} AND attempt = ${fourth} AND state = 'at_broker'`,
      "jobs.retry",
    )
  }

  /** Notes that the broker has the messages. Jobs that were taken in the meantime are left as they are. */
  async confirm(jobs: readonly { readonly id: string }[], worker: string): Promise<void> {
    await this.#backend.run(this.#confirm, [this.#ids(jobs), worker], asItIs)
  }

  /**
   * Notes that a worker does jobs that it has published itself. Those that are being completed at this moment are left as
   * they are. @returns the ids of the others
   */
  async hold(jobs: readonly Mark[], worker: string): Promise<ReadonlySet<string>> {
    const held = new Set<string>()
    for (const [attempt, some] of Map.groupBy(jobs, ({ attempt }) => attempt)) {
      for (const id of await this.#backend.all(this.#hold, [this.#ids(some), worker, attempt])) held.add(id)
    }
    return held
  }

  /** Whether a worker may take jobs of a queue: others do not think it is dead, and the queue is not paused. */
  async mayTake(queue: string, worker: string): Promise<boolean> {
    return (await this.#backend.first(this.#mayTake, [worker, queue])) !== undefined
  }

  /** Lets jobs wait again whose messages are not at the broker, or not known to be. @returns their queues */
  async giveBack(jobs: readonly { readonly id: string }[], worker: string): Promise<ReadonlySet<string>> {
    return new Set(await this.#backend.all(this.#giveBack, [this.#ids(jobs), worker]))
  }

  /** Lets jobs wait again whose messages the broker has lost. @returns how many */
  async giveBackLost(jobs: readonly { readonly id: string }[]): Promise<number> {
    return (await this.#backend.all(this.#giveBackLost, [this.#ids(jobs)])).length
  }

  /**
   * Takes the jobs for which messages stand. Those that are not among them are another's, done, or in a paused queue.
   *
   * A message of an earlier attempt does as well: all that it says is that the job is to be done.
   */
  take(marks: readonly Mark[], worker: string): Promise<readonly TakenJob[]> {
    return this.#backend.all(this.#take, [this.#ids(marks), worker])
  }

  /** Those that are at the broker still, and not taken. */
  standing(marks: readonly Mark[]): Promise<readonly Mark[]> {
    return this.#backend.all(this.#standing, [this.#ids(marks)])
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

  #ids(jobs: readonly { readonly id: string }[]) {
    return this.#backend.dialect.list(jobs.map(({ id }) => id))
  }
}
