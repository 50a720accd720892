import type { Query, Step } from "../engine/index.ts"
import { ValidationError } from "../errors/index.ts"
import { type ColumnDefinition, definitionOf, type SqlValue, shown, uuidv7 } from "../schema/index.ts"
import type { Job, Lane } from "./define.ts"
import type { Offer } from "./hands.ts"
import type { Backend } from "./storages.ts"
import { job } from "./tables.ts"
import type { TakenJob } from "./taken.ts"

/** When and how a job is to be done. */
export type SendOptions = {
  /** Not before so many milliseconds from now, 0 at least. Not together with `runAt`. */
  delayMs?: number
  /** Not before this instant. */
  runAt?: Date
  /** Default: that of the kind. */
  lane?: Lane
  /**
   * While a job of the same kind and key waits (not once it is begun), no second one is made: `ignore` leaves the first
   * as it is, `replace` gives it this payload, time and lane. A key has 1 to 200 characters.
   */
  dedupe?: { key: string; onTwin: "ignore" | "replace" }
  /** The instant that the job is for, where that is not when it is to run. */
  fireAt?: Date
}

/** A job that is about to be stored. */
export type NewJob = {
  readonly id: string
  readonly definition: Job
  readonly json: unknown
  readonly lane: number
  readonly runAt: Date
  readonly fireAt: Date | null
  readonly dedupe: string | null
  /** It takes the place of a waiting twin, which is left as it is otherwise. */
  readonly replaces: boolean
  readonly createdAt: Date
  /** The payload as it is stored, once that is known. */
  text?: string
}

const longestKey = 200
const { column } = definitionOf(job)

/** Checks and completes what is to be sent. @throws ValidationError */
export function newJob(definition: Job, json: unknown, options: SendOptions, present: Date): NewJob {
  const { kind } = definition
  const { delayMs, lane = definition.lane, dedupe, fireAt } = options
  let { runAt } = options
  if (delayMs !== undefined) {
    if (runAt !== undefined) throw refused(kind, "both delayMs and runAt are given", "Give one of them.")
    if (!(delayMs >= 0)) throw refused(kind, `delayMs is ${shown(delayMs)}`, "Give milliseconds from 0 on.")
    runAt = new Date(present.getTime() + delayMs)
  }
  if (!Number.isInteger(lane) || lane < 0 || lane > 4) {
    throw refused(kind, `there is no lane ${shown(lane)}`, "Give a lane from 0, the most urgent, to 4.")
  }
  if (dedupe !== undefined) checkKey(kind, dedupe.key)
  if (runAt !== undefined) checkInstant(kind, "runAt", runAt)
  if (fireAt !== undefined) checkInstant(kind, "fireAt", fireAt)
  return {
    id: uuidv7(),
    definition,
    json,
    lane,
    runAt: runAt ?? present,
    fireAt: fireAt ?? runAt ?? null,
    dedupe: dedupe === undefined ? null : `${kind}:${dedupe.key}`,
    replaces: dedupe?.onTwin === "replace",
    createdAt: present,
  }
}

function checkKey(kind: string, key: string): void {
  const problem = column.get("dedupe")?.type.problem(key)
  if (problem === undefined && key !== "" && key.length <= longestKey) return
  throw refused(kind, "the key of dedupe is no text of 1 to 200 characters", "Give a shorter one, such as a row's id.")
}

function checkInstant(kind: string, key: "runAt" | "fireAt", instant: Date): void {
  const problem = column.get(key)?.type.problem(instant)
  if (problem !== undefined) throw refused(kind, `${key} ${problem.sentence}`, "Give a Date.")
}

function refused(kind: string, why: string, cure: string): ValidationError {
  return new ValidationError(`A job of ${kind} cannot be sent: ${why}.`, { cure })
}

/** What a statement does where a twin waits; undefined where its jobs have no keys. */
type OnTwin = "ignore" | "replace" | undefined

type Statement = {
  readonly query: Query<readonly [dedupe: string, id: string]>
  readonly bind: (values: SqlValue[]) => SqlValue[]
}

const columnsOf = (...keys: readonly string[]) => keys.map((key) => column.get(key) as ColumnDefinition)

/** What jobs that are sent together have in common more often than not. */
const common = columnsOf("queue", "kind", "lane", "runAt", "maxAttempts", "dedupe", "fireAt", "createdAt")
/** What each has for itself. */
const own = columnsOf("id", "payload")
/** What a job has that somebody takes from the start. */
const [stateColumn, workerColumn, attemptColumn] = columnsOf("state", "worker", "attempt") as [
  ColumnDefinition,
  ColumnDefinition,
  ColumnDefinition,
]

/** Makes the statements that store jobs: one for all that are sent together, as far as the engine takes them. */
export class Insertion {
  readonly #backend: Backend
  readonly #statements = new Map<string, Statement>()

  constructor(backend: Backend) {
    this.#backend = backend
  }

  steps(jobs: readonly NewJob[]): Step[] {
    const plain = jobs.filter(({ dedupe }) => dedupe === null)
    if (plain.length === jobs.length) return this.#chunks(jobs, undefined)
    const keyed = withoutTwins(jobs)
    return [
      ...this.#chunks(plain, undefined),
      ...this.#chunks(
        keyed.filter(({ replaces }) => !replaces),
        "ignore",
      ),
      ...this.#chunks(
        keyed.filter(({ replaces }) => replaces),
        "replace",
      ),
    ]
  }

  /**
   * Stores jobs of one queue as those of a worker, all or none: none where the queue is paused or the worker counts as dead.
   * Undefined where that needs more than one statement.
   */
  handingStep(jobs: readonly NewJob[], { state, worker }: Pick<Offer, "state" | "worker">): Step | undefined {
    const alike = jobs.length > 1 && areAlike(jobs)
    const each = alike ? own : [...common, ...own]
    if (this.#backend.dialect.rowsAtOnce(each.length + 2, jobs.length) < jobs.length) return undefined
    const { query, bind } = this.#handing(jobs.length, alike, state)
    const first = jobs[0] as NewJob
    const values: SqlValue[] = []
    for (const one of jobs) {
      if (!alike) values.push(...commonValues(one))
      values.push(one.id, this.#json(one))
    }
    const shared = alike ? commonValues(first).slice(1) : []
    return { query, values: [worker, first.definition.queue, ...shared, ...bind(values)] }
  }

  /** Jobs as who claims them gets them, after they were stored. */
  taken(jobs: readonly NewJob[]): TakenJob[] {
    return jobs.map((one) => {
      // Nothing is the sender's own, or another job's, which may change.
      const createdAt = new Date(one.createdAt)
      return {
        id: one.id,
        queue: one.definition.queue,
        kind: one.definition.kind,
        lane: one.lane,
        runAt: one.runAt === one.createdAt ? createdAt : new Date(one.runAt),
        attempt: 1,
        maxAttempts: one.definition.attempts,
        fireAt: one.fireAt === null ? null : new Date(one.fireAt),
        payload: JSON.parse(this.#json(one)),
        messageId: null,
        createdAt,
      }
    })
  }

  #handing(count: number, alike: boolean, state: Offer["state"]): Statement {
    const { dialect } = this.#backend
    const shape = `${state}:${alike}:${dialect.rowsShape(count)}`
    let statement = this.#statements.get(shape)
    if (statement !== undefined) return statement
    const [queueColumn, ...others] = common as [ColumnDefinition, ...ColumnDefinition[]]
    const [shared, each] = alike ? [others, own] : [[], [queueColumn, ...others, ...own]]
    const given = [workerColumn, queueColumn, ...shared]
    const { select, bind } = dialect.rows(typesOf(each), count, typesOf(given))
    const parameter = (column: ColumnDefinition, index: number) =>
      `CAST(${dialect.parameter(index + 1)} AS ${dialect.codec(column.type).cast})`
    const [worker, queue] = given.map(parameter)
    const values = new Map<ColumnDefinition, string>([
      ...given.map((column, index) => [column, parameter(column, index)] as const),
      ...each.map((column) => [column, dialect.identifier(column.name)] as const),
      [stateColumn, `'${state}'`],
      [attemptColumn, "1"],
    ])
    const names = [...values.keys()].map(({ name }) => dialect.identifier(name))
    const may = `EXISTS (SELECT 1 FROM worker WHERE id = ${worker}) AND NOT EXISTS (SELECT 1 FROM paused_queue WHERE paused_queue.queue = ${queue})`
    const source = select(each.map(({ name }) => name))
    const query: Statement["query"] = {
      sql: `INSERT INTO job (${names.join(", ")}) SELECT ${[...values.values()].join(", ")} FROM (${source}) AS given WHERE ${may}`,
      decode: ([dedupe, id]) => [dedupe, id],
      wide: false,
      writes: true,
      returns: false,
      label: "jobs.send",
    }
    statement = { query, bind }
    this.#statements.set(shape, statement)
    return statement
  }

  #chunks(jobs: readonly NewJob[], onTwin: OnTwin): Step[] {
    const steps: Step[] = []
    // What they have in common is said once.
    const alike = jobs.length > 1 && areAlike(jobs)
    const width = alike ? own.length : common.length + own.length
    for (let at = 0; at < jobs.length; ) {
      const count = this.#backend.dialect.rowsAtOnce(width, jobs.length - at)
      const chunk = count === jobs.length ? jobs : jobs.slice(at, at + count)
      steps.push(alike ? this.#alikeStep(chunk, onTwin) : this.#step(chunk, onTwin))
      at += count
    }
    return steps
  }

  #step(jobs: readonly NewJob[], onTwin: OnTwin): Step {
    const { query, bind } = this.#statement(jobs.length, onTwin, false)
    const values: SqlValue[] = []
    for (const one of jobs) values.push(...commonValues(one), one.id, this.#json(one))
    return { query, values: bind(values) }
  }

  #alikeStep(jobs: readonly NewJob[], onTwin: OnTwin): Step {
    const { query, bind } = this.#statement(jobs.length, onTwin, true)
    const values: SqlValue[] = []
    for (const one of jobs) values.push(one.id, this.#json(one))
    return { query, values: [...commonValues(jobs[0] as NewJob), ...bind(values)] }
  }

  #json(one: NewJob): string {
    if (one.text !== undefined) return one.text
    const { type } = column.get("payload") as ColumnDefinition
    const text = this.#backend.dialect.codec(type).convert?.(one.json)
    if (typeof text === "string") {
      one.text = text
      return text
    }
    throw new ValidationError(`A payload ${text?.sentence}.`, { cure: "Give what JSON can say." })
  }

  #statement(count: number, onTwin: OnTwin, alike: boolean): Statement {
    const shape = `${onTwin}:${alike}:${count === 1 ? "one" : this.#backend.dialect.rowsShape(count)}`
    let statement = this.#statements.get(shape)
    if (statement === undefined) {
      statement = this.#makeStatement(count, onTwin, alike)
      this.#statements.set(shape, statement)
    }
    return statement
  }

  #makeStatement(count: number, onTwin: OnTwin, alike: boolean): Statement {
    const { dialect } = this.#backend
    const columns = [...common, ...own]
    const names = columns.map(({ name }) => dialect.identifier(name)).join(", ")
    const [shared, each] = alike ? [common, own] : [[], columns]
    const { insert, bind } = dialect.rows(typesOf(each), count, typesOf(shared))
    // One row needs no arrays.
    const one = count === 1 && !alike
    const source = one ? `VALUES (${columns.map((_, index) => dialect.parameter(index + 1)).join(", ")})` : insert
    const query: Query<readonly [string, string]> = {
      sql: `INSERT INTO job (${names}) ${source}${twinSql(onTwin)}`,
      decode: ([dedupe, id]) => [dedupe, id],
      wide: false,
      writes: true,
      returns: onTwin !== undefined,
      label: "jobs.send",
    }
    return { query, bind: one ? (values) => values : bind }
  }
}

const typesOf = (columns: readonly ColumnDefinition[]) => columns.map(({ type }) => type)

function commonValues({ definition, lane, runAt, dedupe, fireAt, createdAt }: NewJob): SqlValue[] {
  return [
    definition.queue,
    definition.kind,
    lane,
    runAt.toISOString(),
    definition.attempts,
    dedupe,
    fireAt === null ? null : fireAt.toISOString(),
    createdAt.toISOString(),
  ]
}

/** Whether they differ in nothing but their ids and payloads. */
function areAlike(jobs: readonly NewJob[]): boolean {
  const [first] = jobs as [NewJob]
  const same = (one: Date | null, other: Date | null) => one === other || one?.getTime() === other?.getTime()
  return jobs.every(
    ({ definition, lane, runAt, dedupe, fireAt, createdAt }) =>
      definition === first.definition &&
      lane === first.lane &&
      dedupe === first.dedupe &&
      same(runAt, first.runAt) &&
      same(fireAt, first.fireAt) &&
      same(createdAt, first.createdAt),
  )
}

const onConflict = " ON CONFLICT (dedupe) WHERE dedupe IS NOT NULL AND state = 'wait' DO UPDATE SET"
const returning = " RETURNING dedupe, id"

function twinSql(onTwin: OnTwin): string {
  if (onTwin === undefined) return ""
  // A change of nothing returns the twin's id.
  if (onTwin === "ignore") return `${onConflict} dedupe = excluded.dedupe${returning}`
  // Attempts go on counting, so that no two takings of a job are alike.
  return `${onConflict} payload = excluded.payload, lane = excluded.lane, run_at = excluded.run_at, fire_at = excluded.fire_at, max_attempts = job.attempt + excluded.max_attempts${returning}`
}

/** Of jobs with the same key that are sent together, one: as if they had been sent one after another. */
function withoutTwins(jobs: readonly NewJob[]): NewJob[] {
  const byKey = new Map<string, NewJob>()
  for (const one of jobs) {
    if (one.dedupe === null) continue
    const first = byKey.get(one.dedupe)
    if (first === undefined) byKey.set(one.dedupe, one)
    else if (one.replaces) byKey.set(one.dedupe, { ...one, id: first.id })
  }
  return [...byKey.values()]
}
