import type { Query } from "../../engine/index.ts"
import { definitionOf, type Row } from "../../schema/index.ts"
import { afterCommit, transaction } from "../../session/index.ts"
import type { Jobs } from "../jobs.ts"
import { job, jobDead } from "../tables.ts"
import { takenAwayTopic, wakesOf } from "../wakes.ts"
import { findAmong, findIds, type JobFilter, type JobState } from "./list.ts"

/** Which jobs: these, or all that a filter finds. */
export type JobTarget = { readonly ids: readonly string[] } | { readonly filter: JobFilter }

/** What is known of a job that was acted upon, as it was before. */
export type ActedJob = Pick<Row<typeof job>, keyof Row<typeof job> & keyof Row<typeof jobDead>>

/** Told of the jobs that were acted upon, in the transaction that does it, e.g. to write down who asked for it. */
export type RecordActed = (rows: readonly ActedJob[]) => Promise<void>

/** Jobs that are acted upon in one transaction. */
const portion = 500

/**
 * Lets dead jobs wait again, due at once and with all their attempts before them. Others are left as they are.
 *
 * @returns how many
 */
export function retryJobs(jobs: Jobs, target: JobTarget, record?: RecordActed): Promise<number> {
  return inPortions({ jobs, target, states: ["dead"], record }, async (ids) => {
    const present = jobs.clock.now()
    const rows = await removeDead(jobs, ids)
    await jobs.store.jobs.createMany(
      rows.map(({ id, queue, kind, lane, attempt, fireAt, payload, messageId, lastError, createdAt, maxAttempts }) => {
        // Attempts go on counting, so that no two takings of a job are alike.
        const most = attempt + (jobs.definition(kind)?.attempts ?? maxAttempts)
        const facts = { id, queue, kind, lane, attempt, fireAt, payload, messageId, lastError, createdAt }
        return { ...facts, runAt: present, maxAttempts: most }
      }),
      { returning: false },
    )
    announce(jobs, rows)
    return rows
  })
}

/** Makes waiting jobs due at once, whatever they waited for. Others are left as they are. @returns how many */
export function runJobsNow(jobs: Jobs, target: JobTarget, record?: RecordActed): Promise<number> {
  return inPortions({ jobs, target, states: ["waiting"], record }, async (ids) => {
    const rows = { id: ids, state: "wait" } as const
    const runAt = jobs.clock.now()
    await jobs.store.jobs.updateWhere(rows, { runAt })
    const changed = await jobs.store.jobs.list({ where: { ...rows, runAt } })
    announce(jobs, changed)
    return changed
  })
}

/**
 * Gives jobs up, so that they are dead and can be retried later. One that runs is aborted and changes nothing more; one
 * that is being completed at this moment is left to its end.
 *
 * @returns how many
 */
export function cancelJobs(jobs: Jobs, target: JobTarget, record?: RecordActed): Promise<number> {
  return inPortions({ jobs, target, states: ["waiting", "held", "at_broker"], record }, async (ids) => {
    const diedAt = jobs.clock.now()
    const rows = await removeLiving(jobs, ids)
    await jobs.store.dead.createMany(
      rows.map(({ id, queue, kind, lane, attempt, maxAttempts, fireAt, payload, messageId, lastError, createdAt }) => {
        const facts = { id, queue, kind, lane, attempt, maxAttempts, fireAt, payload, messageId, lastError, createdAt }
        return { ...facts, reason: "cancelled" as const, diedAt }
      }),
      { returning: false },
    )
    announceTaken(jobs)
    return rows
  })
}

/** Removes jobs for good, with what is known of them. One that runs is aborted, as by `cancelJobs`. @returns how many */
export function deleteJobs(jobs: Jobs, target: JobTarget, record?: RecordActed): Promise<number> {
  return inPortions({ jobs, target, states: ["waiting", "held", "at_broker", "dead"], record }, async (ids) => {
    const rows = [...(await removeLiving(jobs, ids)), ...(await removeDead(jobs, ids))]
    if (rows.length > 0) await jobs.store.errors.deleteWhere({ jobId: rows.map(({ id }) => id) })
    announceTaken(jobs)
    return rows
  })
}

type Action = {
  readonly jobs: Jobs
  readonly target: JobTarget
  /** Jobs in other states are left as they are. */
  readonly states: readonly JobState[]
  readonly record: RecordActed | undefined
}

/**
 * Acts upon the jobs portion by portion. Those of a filter are the ones that it finds at the start, and finds still when it
 * is their turn; no clock tells which these are, since producers may have clocks of their own.
 */
async function inPortions(
  { jobs, target, states, record }: Action,
  act: (ids: readonly string[]) => Promise<readonly ActedJob[]>,
): Promise<number> {
  const actOn = async (ids: readonly string[]): Promise<number> => {
    if (ids.length === 0) return 0
    const rows = await act(ids)
    if (rows.length > 0) await record?.(rows)
    return rows.length
  }
  const filter = "filter" in target ? target.filter : undefined
  if (filter !== undefined && !states.includes(filter.state)) return 0
  const ids = "ids" in target ? [...new Set(target.ids)] : await findIds(jobs, target.filter)
  let acted = 0
  for (let at = 0; at < ids.length; at += portion) {
    const some = ids.slice(at, at + portion)
    acted += await transaction(async () => actOn(filter === undefined ? some : await findAmong(jobs, filter, some)), {
      name: "jobs.control",
    })
  }
  return acted
}

/** Removes those that nobody has locked: a locked one is being completed. */
function removeLiving({ backend }: Jobs, ids: readonly string[]): Promise<Row<typeof job>[]> {
  const { dialect } = backend
  const plans = backend.plans(definitionOf(job))
  const query: Query<Row<typeof job>> = plans.shape("jobs.remove", () => {
    const { type } = definitionOf(job).column.get("id") as { type: Parameters<typeof dialect.among>[2] }
    const free = `SELECT id FROM job WHERE ${dialect.among("id", dialect.parameter(1), type)} ${dialect.freeRowsClause}`
    const sql = `DELETE FROM job WHERE ${dialect.amongFound("id", free)} RETURNING ${plans.columns}`
    return plans.query("remove", sql, { writes: true, decode: plans.decoder() })
  })
  return backend.all(query, [dialect.list(ids)])
}

function removeDead({ backend }: Jobs, ids: readonly string[]): Promise<Row<typeof jobDead>[]> {
  const { dialect } = backend
  const plans = backend.plans(definitionOf(jobDead))
  const query: Query<Row<typeof jobDead>> = plans.shape("jobs.remove", () => {
    const { type } = definitionOf(jobDead).column.get("id") as { type: Parameters<typeof dialect.among>[2] }
    const sql = `DELETE FROM job_dead WHERE ${dialect.among("id", dialect.parameter(1), type)} RETURNING ${plans.columns}`
    return plans.query("remove", sql, { writes: true, decode: plans.decoder() })
  })
  return backend.all(query, [dialect.list(ids)])
}

function announce(jobs: Jobs, rows: readonly { readonly queue: string }[]): void {
  const present = jobs.clock.now().getTime()
  const queues = new Set(rows.map(({ queue }) => queue))
  afterCommit(() => {
    for (const queue of queues) jobs.wake(queue, present)
  })
}

/** Whoever runs one of the jobs looks whether it is still theirs. */
function announceTaken({ engine }: Jobs): void {
  afterCommit(() => {
    wakesOf(engine).wake(takenAwayTopic, 0)
    engine.signals.send(takenAwayTopic)
  })
}
