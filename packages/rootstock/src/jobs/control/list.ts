import type { Query } from "../../engine/index.ts"
import { ValidationError } from "../../errors/index.ts"
import { type ColumnDefinition, definitionOf, type Row, type SqlValue } from "../../schema/index.ts"
import type { Jobs } from "../jobs.ts"
import type { DeathReason } from "../outcomes.ts"
import type { Backend } from "../storages.ts"
import { job, type jobDead } from "../tables.ts"

/** Where a job is: it waits (due or not), a worker has it, the broker has it, or it was given up. */
export type JobState = "waiting" | "held" | "at_broker" | "dead"

/** Jobs in one state, of one queue and kind where these are given. */
export type JobFilter = {
  readonly state: JobState
  readonly queue?: string | undefined
  readonly kind?: string | undefined
}

/** A job as a list shows it. */
export type JobSummary = {
  readonly id: string
  readonly state: JobState
  readonly queue: string
  readonly kind: string
  readonly lane: number
  /** How often it was begun, or is being begun. */
  readonly attempt: number
  readonly maxAttempts: number
  /** When it is due; undefined where it is dead. */
  readonly runAt: Date | undefined
  /** The instant that it is for, where that is not when it was made. */
  readonly fireAt: Date | undefined
  /** The worker that has it. */
  readonly worker: string | undefined
  readonly lastError: string | undefined
  readonly createdAt: Date
  readonly diedAt: Date | undefined
  readonly reason: DeathReason | undefined
}

export type JobPage = {
  readonly jobs: JobSummary[]
  /** Cursor of the next page; undefined at the end. */
  readonly next: string | undefined
}

/** Most jobs of one page. */
const mostRows = 1_000

/**
 * Lists jobs: those that wait in one queue in the order in which they will be taken, dead ones with the latest first, all
 * others by age.
 *
 * @param page.limit 1 to 1,000 (default 50)
 * @throws ValidationError for a cursor of another list
 *
 * ### Examples
 *
 * ```ts
 * const { jobs: dead, next } = await listJobs(jobs, { state: "dead", queue: "order" }, { limit: 20 })
 * ```
 */
export async function listJobs(
  jobs: Jobs,
  filter: JobFilter,
  page: { readonly cursor?: string | undefined; readonly limit?: number | undefined } = {},
): Promise<JobPage> {
  const { limit = 50 } = page
  if (!Number.isInteger(limit) || limit < 1 || limit > mostRows) {
    throw new ValidationError(`A page of ${limit} jobs makes no sense.`, { cure: `Give 1 to ${mostRows}.` })
  }
  if (filter.state === "dead") return listDead(jobs, filter, page.cursor, limit)
  const keys = await keysOf(jobs, filter, page.cursor, limit + 1)
  const rows = await jobs.store.jobs.getMany(keys.slice(0, limit).map(({ id }) => id))
  return {
    jobs: rows.map(summaryOfLiving),
    next: keys.length > limit ? cursorOf(filter, keys[limit - 1] as Key) : undefined,
  }
}

async function listDead(jobs: Jobs, { queue, kind }: JobFilter, cursor: string | undefined, limit: number) {
  const where = { ...(queue === undefined ? {} : { queue }), ...(kind === undefined ? {} : { kind }) }
  const { rows, next } = await jobs.store.dead.after(cursor, { where, orderBy: { diedAt: "desc" }, limit })
  return { jobs: rows.map(summaryOfDead), next }
}

const states = { wait: "waiting", held: "held", at_broker: "at_broker" } as const

export function summaryOfLiving(row: Row<typeof job>): JobSummary {
  const { id, queue, kind, lane, attempt, maxAttempts, createdAt } = row
  return {
    id,
    state: states[row.state],
    queue,
    kind,
    lane,
    attempt,
    maxAttempts,
    runAt: row.runAt,
    fireAt: row.fireAt ?? undefined,
    worker: row.worker ?? undefined,
    lastError: row.lastError ?? undefined,
    createdAt,
    diedAt: undefined,
    reason: undefined,
  }
}

export function summaryOfDead(row: Row<typeof jobDead>): JobSummary {
  const { id, queue, kind, lane, attempt, maxAttempts, createdAt, diedAt, reason } = row
  return {
    id,
    state: "dead",
    queue,
    kind,
    lane,
    attempt,
    maxAttempts,
    runAt: undefined,
    fireAt: row.fireAt ?? undefined,
    worker: undefined,
    lastError: row.lastError ?? undefined,
    createdAt,
    diedAt,
    reason,
  }
}

/** The place of a job in its list. */
type Key = { readonly id: string; readonly values: readonly SqlValue[] }

/** The condition of each state, as the indexes of the table say it. */
const conditions: Readonly<Record<Exclude<JobState, "dead">, string>> = {
  waiting: "state = 'wait'",
  held: "state <> 'wait' AND state = 'held'",
  at_broker: "state <> 'wait' AND state = 'at_broker'",
}

/** @param parameter puts a value into the statement */
function conditionsOf({ state, queue, kind }: JobFilter, parameter: (value: SqlValue) => string): string[] {
  const where = state === "dead" ? [] : [conditions[state]]
  if (queue !== undefined) where.push(`queue = ${parameter(queue)}`)
  if (kind !== undefined) where.push(`kind = ${parameter(kind)}`)
  return where
}

/** Most ids of one look. */
const mostIds = 10_000

/** The ids of all jobs that a filter finds, in no order that means something. */
export async function findIds(jobs: Jobs, filter: JobFilter): Promise<string[]> {
  const ids: string[] = []
  // By id, which never changes: none is found twice, nor left out, whatever is done to the jobs meanwhile.
  for (let last = "00000000-0000-0000-0000-000000000000"; ; last = ids.at(-1) as string) {
    const found = await idsWhere(jobs, filter, (_, put) => `id > ${put(last)} ORDER BY id LIMIT ${mostIds}`)
    for (const id of found) ids.push(id)
    if (found.length < mostIds) return ids
  }
}

/** Those of some jobs that a filter finds. */
export function findAmong(jobs: Jobs, filter: JobFilter, ids: readonly string[]): Promise<readonly string[]> {
  return idsWhere(jobs, filter, ({ dialect }, put) => dialect.among("id", put(dialect.list(ids)), idType))
}

const { type: idType } = definitionOf(job).column.get("id") as ColumnDefinition

function idsWhere(
  { backend }: Jobs,
  filter: JobFilter,
  rest: (backend: Backend, put: (value: SqlValue) => string) => string,
): Promise<readonly string[]> {
  const values: SqlValue[] = []
  const put = (value: SqlValue) => backend.dialect.parameter(values.push(value))
  const where = [...conditionsOf(filter, put), rest(backend, put)]
  const query: Query<string> = {
    sql: `SELECT id FROM ${filter.state === "dead" ? "job_dead" : "job"} WHERE ${where.join(" AND ")}`,
    decode: ([id]) => id,
    wide: false,
    writes: false,
    returns: true,
    label: "jobs.list",
  }
  return backend.all(query, values)
}

async function keysOf(
  { backend }: Jobs,
  filter: JobFilter,
  cursor: string | undefined,
  limit: number,
): Promise<readonly Key[]> {
  const { dialect } = backend
  const values: SqlValue[] = []
  const parameter = (value: SqlValue) => dialect.parameter(values.push(value))
  const order = orderOf(filter)
  const where = conditionsOf(filter, parameter)
  if (cursor !== undefined) {
    const after = readCursor(filter, cursor).map(parameter)
    where.push(`(${order.join(", ")}) > (${after.join(", ")})`)
  }
  const query: Query<Key> = {
    sql: `SELECT id, ${order.join(", ")} FROM job WHERE ${where.join(" AND ")} ORDER BY ${order.join(", ")} LIMIT ${parameter(limit)}`,
    decode: ([id, ...rest]) => ({ id, values: rest }),
    wide: false,
    writes: false,
    returns: true,
    label: "jobs.list",
  }
  return backend.all(query, values)
}

/** Along an index, so that a page of a million jobs costs what one of ten does. */
function orderOf({ state, queue }: JobFilter): readonly string[] {
  return state === "waiting" && queue !== undefined ? ["lane", "run_at", "id"] : ["id"]
}

function cursorOf(filter: JobFilter, { values }: Key): string {
  return Buffer.from(JSON.stringify([orderOf(filter).join(), ...values])).toString("base64url")
}

function readCursor(filter: JobFilter, cursor: string): readonly SqlValue[] {
  const order = orderOf(filter)
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, "base64url").toString())
  } catch {
    parts = undefined
  }
  const plain = (value: unknown) => typeof value === "string" || typeof value === "number"
  if (Array.isArray(parts) && parts.length === order.length + 1 && parts[0] === order.join() && parts.every(plain)) {
    return parts.slice(1)
  }
  throw new ValidationError("The cursor is not one of this list.", { cure: "Use a cursor that the same list gave." })
}
