import { nextFire } from "./fires.ts"
import type { Schedules } from "./schedules.ts"
import type { ScheduleRow } from "./storages.ts"
import type { Recurrence } from "./timing.ts"
import { timingOf } from "./view.ts"

/** How far the clocks of processes and hosts may be apart, in milliseconds. */
const toleranceMs = 3_600_000

const pageSize = 500

/**
 * Mends next fires that the clock or the rules of a zone have left behind: those that are no time of their expression any
 * more, and those that lie too far ahead since a clock that was ahead has moved them on. No time fires twice.
 *
 * @returns the keys of the schedules that were mended
 */
export async function realign(schedules: Schedules, now: Date): Promise<string[]> {
  const { store } = schedules
  const mended: string[] = []
  let cursor: string | undefined
  do {
    const page = await store.schedules.after(cursor, {
      where: { enabled: true, nextAt: { gt: now }, timeZone: { not: null } },
      limit: pageSize,
    })
    for (const row of page.rows) {
      const nextAt = await mend(schedules, row, now)
      if (nextAt !== undefined && (await store.schedules.advance(row, nextAt, undefined))) mended.push(row.key)
    }
    cursor = page.next
  } while (cursor !== undefined)
  return mended
}

/** The next fire that the row should have; undefined where it has it. */
async function mend(schedules: Schedules, row: ScheduleRow, now: Date): Promise<Date | undefined> {
  const { cron, timeZone } = timingOf(row) as Recurrence
  const nextAt = row.nextAt as Date
  const isTime = nextFire(cron, timeZone, new Date(nextAt.getTime() - 1))?.getTime() === nextAt.getTime()
  if (!isTime) return nextFire(cron, timeZone, row.lastAt !== null && row.lastAt > now ? row.lastAt : now)
  const beyond = nextFire(cron, timeZone, new Date(now.getTime() + toleranceMs))
  if (beyond === undefined || beyond >= nextAt) return undefined
  return firstUnfired(schedules, row, { cron, timeZone }, now)
}

/** The first time after `now` for which it has not fired. */
async function firstUnfired(
  { store }: Schedules,
  { key, nextAt }: ScheduleRow,
  { cron, timeZone }: Recurrence,
  now: Date,
): Promise<Date | undefined> {
  const made = await store.fires.list({ where: { key, fireAt: { between: [now, nextAt as Date] } } })
  const instants = new Set(made.map(({ fireAt }) => fireAt.getTime()))
  let time = nextFire(cron, timeZone, now)
  while (time !== undefined && instants.has(time.getTime())) time = nextFire(cron, timeZone, time)
  return time
}
