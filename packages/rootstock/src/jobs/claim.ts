import type { Dialect, Query, Step } from "../engine/index.ts"
import { type ColumnDefinition, definitionOf } from "../schema/index.ts"
import { job } from "./tables.ts"
import { type TakenJob, takenColumns, takenDecoder } from "./taken.ts"

const { type: runAtType } = definitionOf(job).column.get("runAt") as ColumnDefinition

const lanes = [0, 1, 2, 3, 4] as const

/** The most jobs of one claim. */
export const mostAtOnce = 2_000

/**
 * Claims of up to so many jobs have a statement of their own, which says so. How many rows are wanted is a parameter, of which
 * PostgreSQL knows nothing where it makes one plan for all values: it would take it for a tenth of all that wait, find such a
 * plan too dear, and plan each claim anew, which takes longer than the claim.
 */
const sizes = [16, 128, mostAtOnce] as const

/** A place in the order of a lane: the next look begins behind it. Times are milliseconds of Unix time. */
type Place = { readonly time: number; readonly id: string }

/** A key before all others. */
const firstId = "00000000-0000-0000-0000-000000000000"

/** Before all jobs. */
const beginning: Place = { time: Date.parse("0001-01-01T00:00:00.000Z"), id: firstId }

const isBefore = (one: Place, other: Place) => one.time < other.time || (one.time === other.time && one.id < other.id)

/**
 * How far back a look begins that may be too late for what was sent before, in milliseconds: a job is found at once if its
 * transaction took no longer from sending to commit, and by the next whole look otherwise.
 */
const marginMs = 250

/**
 * From where on the lanes of a queue are looked through.
 *
 * What was taken lately is still in the index until the database has cleaned it, which a transaction that is held open
 * puts off. A look that begins behind it need not pass over it again and again.
 */
export class Floors {
  readonly #lanes: Place[] = []
  /** The earliest place at which there is something new since the look began that is under way. */
  #news: Place | undefined

  constructor() {
    for (const lane of lanes) this.#lanes[lane] = beginning
  }

  /** The next look is a whole one. */
  reset(): void {
    this.#lower(beginning)
  }

  /** A job that is to be begun at `due` was sent. */
  lower(due: number): void {
    this.#lower({ time: due, id: firstId })
  }

  #lower(place: Place): void {
    if (this.#news === undefined || isBefore(place, this.#news)) this.#news = place
    for (const lane of lanes) if (isBefore(place, this.#lanes[lane] as Place)) this.#lanes[lane] = place
  }

  /** Somebody may have sent a job, whose transaction began before it was announced. */
  stepBack(present: number): void {
    this.lower(present - marginMs)
  }

  /** After a look that began at `present` and took `taken`; `all` where nothing was left. */
  raise(taken: readonly TakenJob[], all: boolean, present: number): void {
    for (const { lane, runAt, id } of taken) this.#raise(lane, { time: runAt.getTime(), id })
    if (all) for (const lane of lanes) this.#raise(lane, { time: present - marginMs, id: firstId })
    // What was sent meanwhile may be earlier than what was taken, and was not seen.
    if (this.#news !== undefined) this.#lower(this.#news)
  }

  #raise(lane: number, place: Place): void {
    if (isBefore(this.#lanes[lane] as Place, place)) this.#lanes[lane] = place
  }

  /** Where a look begins that begins now. */
  begin(): string[] {
    this.#news = undefined
    return this.#lanes.flatMap(({ time, id }) => [new Date(time).toISOString(), id])
  }
}

/** The statements that find and take waiting jobs, the most urgent lane first, within a lane the longest due first. */
export class Claim {
  /** Of the jobs that are taken. */
  readonly state: "held" | "at_broker"
  /** For each size. */
  readonly #take: readonly Query<TakenJob>[]
  readonly #next: Query<Date | null>

  /** @param state of the jobs that are taken: done by who takes them, or handed on to a broker */
  constructor(dialect: Dialect, state: "held" | "at_broker" = "held") {
    this.state = state
    const parameter = (index: number) => dialect.parameter(index)
    const [queue, present, limit, worker] = [1, 2, 3, 4].map(parameter)
    const may = `EXISTS (SELECT 1 FROM worker WHERE id = ${worker}) AND NOT EXISTS (SELECT 1 FROM paused_queue WHERE queue = ${queue})`
    this.#take = sizes.map((size) => {
      // Each lane is a short walk along the index of its own: in one condition over all lanes, jobs of an urgent lane that
      // are for later would stand in the way. Rows are locked as they are found, so no more than are taken.
      const ready = lanes.map(
        (lane) =>
          `SELECT id FROM (SELECT id FROM job WHERE queue = ${queue} AND state = 'wait' AND lane = ${lane} AND run_at <= ${present} AND (run_at, id) > (${parameter(5 + 2 * lane)}, ${parameter(6 + 2 * lane)}) ORDER BY run_at, id LIMIT ${size} ${dialect.freeRowsClause}) AS lane_${lane}`,
      )
      const found = `SELECT id FROM (${ready.join(" UNION ALL ")}) AS ready WHERE ${may} LIMIT ${limit}`
      return {
        // It has no twins any more: it must be able to wait again beside a job that was sent after it had begun.
        sql: `UPDATE job SET state = '${state}', worker = ${worker}, attempt = attempt + 1, dedupe = NULL WHERE ${dialect.amongFound("id", found)} RETURNING ${takenColumns}`,
        decode: takenDecoder(dialect),
        wide: false,
        writes: true,
        returns: true,
        label: "jobs.claim",
        replanned: true,
      }
    })
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
      replanned: true,
    }
  }

  /** Takes up to `limit` jobs for a worker, at most {@link mostAtOnce}. */
  take(queue: string, present: Date, limit: number, worker: string, floors: Floors): Step & { query: Query<TakenJob> } {
    const size = sizes.findIndex((most) => limit <= most)
    return {
      query: this.#take[size] as Query<TakenJob>,
      values: [queue, present.toISOString(), limit, worker, ...floors.begin()],
    }
  }

  /** When the first waiting job of a queue is due, null where none waits. */
  next(queue: string): Step & { query: Query<Date | null> } {
    return { query: this.#next, values: [queue] }
  }
}
