import { ValidationError } from "../errors/index.ts"
import type { Job, Jobs } from "../jobs/index.ts"
import type { Row } from "../schema/index.ts"
import type { Schedules } from "./schedules.ts"
import type { ScheduleRow } from "./storages.ts"
import type { scheduleFire } from "./tables.ts"

/** A fire that was made. */
export type Fire = Row<typeof scheduleFire>

/** A fire to make. */
export type WantedFire = { readonly row: ScheduleRow; readonly fireAt: Date }

/**
 * Makes fires: sends their jobs and writes their rows. What has fired already for its time is left out.
 *
 * It runs in a transaction that has locked or changed the rows of these schedules, so that nobody else fires them.
 *
 * @returns those that were made
 */
export async function makeFires(
  { jobs, store }: Schedules,
  wanted: readonly WantedFire[],
  cause: Fire["cause"],
): Promise<Fire[]> {
  const made = await firesOf(store, wanted)
  const byKind = new Map<string, WantedFire[]>()
  for (const one of wanted) {
    if (made.has(nameOf(one.row.key, one.fireAt))) continue
    const same = byKind.get(one.row.kind)
    if (same === undefined) byKind.set(one.row.kind, [one])
    else same.push(one)
  }
  const at = jobs.clock.now()
  const fires: Fire[] = []
  for (const [kind, same] of byKind) {
    const job = knownJob(jobs, kind)
    const payloads = new Map<ScheduleRow, unknown>()
    for (const { row } of same) if (!payloads.has(row)) payloads.set(row, job.payload.read(row.payload))
    const ids = await jobs.sendMany(
      job,
      same.map(({ row }) => payloads.get(row)),
      (_, index) => ({ fireAt: (same[index] as WantedFire).fireAt }),
    )
    for (const [index, { row, fireAt }] of same.entries()) {
      fires.push({ key: row.key, fireAt, jobId: ids[index] as string, cause, at })
    }
  }
  if (fires.length > 0) await store.fires.createMany(fires, { returning: false })
  return fires
}

/** Which of these fires were made already, by their names. */
async function firesOf(store: Schedules["store"], wanted: readonly WantedFire[]): Promise<Set<string>> {
  if (wanted.length === 0) return new Set()
  const keys = [...new Set(wanted.map(({ row }) => row.key))]
  const instants = [...new Set(wanted.map(({ fireAt }) => fireAt.getTime()))].map((instant) => new Date(instant))
  const rows = await store.fires.list({ where: { key: keys, fireAt: instants } })
  return new Set(rows.map(({ key, fireAt }) => nameOf(key, fireAt)))
}

/** One text for each fire that a schedule can make. */
export const nameOf = (key: string, fireAt: Date): string => `${fireAt.getTime()} ${key}`

/** @throws ValidationError where this program does not know the kind */
export function knownJob(jobs: Jobs, kind: string): Job {
  const job = jobs.definition(kind)
  if (job !== undefined) return job
  throw new ValidationError(`There is no kind of job named ${JSON.stringify(kind)}.`, {
    cure: `Use one of: ${jobs.definitions.map((one) => one.kind).join(", ")}.`,
  })
}
