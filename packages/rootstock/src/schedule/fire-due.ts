import { makeFires, type WantedFire } from "./make-fires.ts"
import { type FirePlan, planFires } from "./misfire.ts"
import type { Schedules } from "./schedules.ts"
import type { ScheduleRow } from "./storages.ts"
import { misfireOf, timingOf } from "./view.ts"

/** What came of schedules that were due. */
export type Fired = {
  /** Schedules that were moved on; the others had been fired or changed by somebody else. */
  readonly taken: number
  /** Fires that were made. */
  readonly fires: number
  /** Schedules whose times were dropped. */
  readonly missed: readonly { readonly key: string; readonly count: number }[]
}

/**
 * Fires schedules that were read as due: each row is moved on where it is as it was read, and the jobs and the rows of the
 * fires are written with it, in one transaction. What another process fired first is left to it.
 */
export async function fireDue(schedules: Schedules, rows: readonly ScheduleRow[], now: Date): Promise<Fired> {
  const { jobs, measures } = schedules
  const missed: { key: string; count: number }[] = []
  let taken = 0
  const fires = await jobs.database.transaction(
    async () => {
      const wanted: WantedFire[] = []
      // It runs again where the database could not serialise it.
      missed.length = 0
      taken = 0
      // In the order of keys, so that two schedulers never wait for each other.
      for (const row of rows.toSorted((left, right) => (left.key < right.key ? -1 : 1))) {
        const plan = planOf(row, now)
        if (!(await take(schedules, row, plan))) continue
        taken++
        for (const fireAt of plan.fires) wanted.push({ row, fireAt })
        if (plan.missed > 0) missed.push({ key: row.key, count: plan.missed })
      }
      return makeFires(schedules, wanted, "due")
    },
    { name: "schedules.fire" },
  )
  measures.fired("due", fires.length)
  for (const { fireAt } of fires) measures.late(Math.max(0, now.getTime() - fireAt.getTime()))
  for (const { count } of missed) measures.missed(count)
  return { taken, fires: fires.length, missed }
}

function planOf(row: ScheduleRow, now: Date): FirePlan {
  return planFires(timingOf(row), row.nextAt as Date, now, misfireOf(row), row.graceMs)
}

function take({ store }: Schedules, row: ScheduleRow, { fires, next }: FirePlan): Promise<boolean> {
  const isOver = row.timeZone === null && fires.length > 0
  return isOver ? store.schedules.end(row) : store.schedules.advance(row, next ?? null, fires.at(-1))
}
