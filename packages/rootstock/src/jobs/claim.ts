import type { Dialect, Query, Step } from "../engine/index.ts"
import { type ColumnDefinition, definitionOf } from "../schema/index.ts"
import { job } from "./tables.ts"
import { type TakenJob, takenColumns, takenDecoder } from "./taken.ts"

const { type: runAtType } = definitionOf(job).column.get("runAt") as ColumnDefinition

const lanes = [0, 1, 2, 3, 4] as const

/** An instant before all others. */
const beginning = "0001-01-01T00:00:00.000Z"

/**
 * How far behind the last job taken the next look begins, in milliseconds: a job is found at once if its transaction took
 * no longer from sending to commit, and by the next whole look otherwise.
 */
const marginMs = 250

/**
 * From where on the lanes of a queue are looked through, instants in milliseconds.
 *
 * What was taken lately is still in the index until the database has cleaned it, which a transaction that is held open
 * puts off. A look that begins behind it need not pass over it again and again.
 */
export class Floors {
  readonly #lanes: number[] = []

  constructor() {
    this.reset()
  }

  /** The next look is a whole one. */
  reset(): void {
    for (const lane of lanes) this.#lanes[lane] = Number.NEGATIVE_INFINITY
  }

  /** A job that is to be begun at `due` was sent. */
  lower(due: number): void {
    for (const lane of lanes) if (due < (this.#lanes[lane] as number)) this.#lanes[lane] = due
  }

  /** After a look at `present` that took `taken`; `all` where nothing was left. */
  raise(taken: readonly TakenJob[], all: boolean, present: number): void {
    if (all) for (const lane of lanes) this.#lanes[lane] = present - marginMs
    for (const { lane, runAt } of taken) {
      const floor = runAt.getTime() - marginMs
      if (!all && floor > (this.#lanes[lane] as number)) this.#lanes[lane] = floor
    }
  }

  get parameters(): string[] {
    return this.#lanes.map((floor) => (Number.isFinite(floor) ? new Date(floor).toISOString() : beginning))
  }
}

/** The statements that find and take waiting jobs, the most urgent lane first, within a lane the longest due first. */
export class Claim {
  readonly #take: Query<TakenJob>
  readonly #next: Query<Date | null>

  /** @param state of the jobs that are taken: done by who takes them, or handed on to a broker */
  constructor(dialect: Dialect, state: "held" | "at_broker" = "held") {
    const parameter = (index: number) => dialect.parameter(index)
    const [queue, present, limit, worker] = [1, 2, 3, 4].map(parameter)
    // Each lane is a short walk along the index of its own: in one condition over all lanes, jobs of an urgent lane that
    // are for later would stand in the way.
    const ready = lanes.map(
      (lane) =>
        `SELECT id FROM (SELECT id FROM job WHERE queue = ${queue} AND state = 'wait' AND lane = ${lane} AND run_at <= ${present} AND run_at >= ${parameter(5 + lane)} ORDER BY run_at, id LIMIT ${limit} ${dialect.freeRowsClause}) AS lane_${lane}`,
    )
    const may = `EXISTS (SELECT 1 FROM worker WHERE id = ${worker}) AND NOT EXISTS (SELECT 1 FROM paused_queue WHERE queue = ${queue})`
    const found = `SELECT id FROM (${ready.join(" UNION ALL ")}) AS ready WHERE ${may} LIMIT ${limit}`
    this.#take = {
      // It has no twins any more: it must be able to wait again beside a job that was sent after it had begun.
      sql: `UPDATE job SET state = '${state}', worker = ${worker}, attempt = attempt + 1, dedupe = NULL WHERE ${dialect.amongFound("id", found)} RETURNING ${takenColumns}`,
      decode: takenDecoder(dialect),
      wide: false,
      writes: true,
      returns: true,
      label: "jobs.claim",
    }
    const firsts = lanes.map(
      (lane) =>
        `SELECT run_at FROM (SELECT run_at FROM job WHERE queue = ${queue} AND state = 'wait' AND lane = ${lane} ORDER BY run_at LIMIT 1) AS lane_${lane}`,
    )
    const instant = dialect.codec(runAtType).decode
    this.#next = {
      sql: `SELECT min(run_at) FROM (${firsts.join(" UNION ALL ")}) AS firsts`,
      decode: ([raw]) => (raw === null || instant === undefined ? raw : (instant(raw) as Date)),
      wide: false,
      writes: false,
      returns: true,
      label: "jobs.next",
    }
  }

  /** Takes up to `limit` jobs for a worker. */
  take(queue: string, present: Date, limit: number, worker: string, floors: Floors): Step & { query: Query<TakenJob> } {
    return { query: this.#take, values: [queue, present.toISOString(), limit, worker, ...floors.parameters] }
  }

  /** When the first waiting job of a queue is due, null where none waits. */
  next(queue: string): Step & { query: Query<Date | null> } {
    return { query: this.#next, values: [queue] }
  }
}
