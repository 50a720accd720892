import { ValidationError } from "../errors/index.ts"
import { firesUntil, latestFires, nextFire } from "./fires.ts"
import type { Recurrence, Timing } from "./timing.ts"

/**
 * What becomes of fires that are late beyond the grace: `skip` drops them; `once` makes one fire of all that are due, at
 * the latest of their times; `{ all: 31 }` fires the latest 31.
 */
export type Misfire = "skip" | "once" | { readonly all: number }

/** The most fires that one look at a schedule makes, and the greatest number of `{ all }`. */
export const mostFires = 1_000

/** Beyond so many, missed fires are not counted. */
const mostMissed = 10_000

/** What a look at a schedule that is due comes to. */
export type FirePlan = {
  /** Fires to make, ascending. */
  readonly fires: readonly Date[]
  /** Fires that are dropped, up to 10,000. */
  readonly missed: number
  /** When to look at it again; undefined where it is over. */
  readonly next: Date | undefined
}

/** @throws ValidationError */
export function checkMisfire(misfire: unknown): Misfire {
  if (misfire === "skip" || misfire === "once") return misfire
  const { all } = (typeof misfire === "object" && misfire !== null ? misfire : {}) as { all?: unknown }
  if (Number.isInteger(all) && (all as number) >= 1 && (all as number) <= mostFires) return { all: all as number }
  throw new ValidationError(`${JSON.stringify(misfire)} is no rule for missed fires.`, {
    cure: `Give "skip", "once" or { all: n } with n from 1 to ${mostFires}.`,
  })
}

/**
 * Plans the fires of a schedule that is due.
 *
 * @param due its `next_at`, which is not after `now`
 * @param graceMs how late a fire may be and still be on time, in milliseconds
 */
export function planFires(timing: Timing, due: Date, now: Date, misfire: Misfire, graceMs: number): FirePlan {
  const onTime = new Date(now.getTime() - graceMs)
  if ("at" in timing) {
    const missed = due < onTime && misfire === "skip"
    return { fires: missed ? [] : [due], missed: missed ? 1 : 0, next: undefined }
  }
  const { cron, timeZone } = timing
  // The time that was announced fires, also where the zone's rules have changed since.
  const behind = (after: Date, most: number) => firesUntil(cron, timeZone, after, now, most)
  if (due >= onTime) return someAtOnce([due, ...behind(due, mostFires)], 0, timing, now)
  const total = 1 + behind(due, mostMissed).length
  const fresh = behind(new Date(onTime.getTime() - 1), mostFires + 1)
  if (misfire === "skip") return someAtOnce(fresh, total - fresh.length, timing, now)
  const count = misfire === "once" ? 1 : Math.max(misfire.all, Math.min(fresh.length, mostFires))
  const fires = latestFires(cron, timeZone, due, now, count)
  if (fires.length < count) fires.unshift(due)
  return { fires, missed: total - fires.length, next: nextFire(cron, timeZone, now) }
}

/** Leaves what is too much for one look to the next one, which follows at once. */
function someAtOnce(fires: Date[], missed: number, { cron, timeZone }: Recurrence, now: Date): FirePlan {
  const left = fires[mostFires]
  if (left !== undefined) return { fires: fires.slice(0, mostFires), missed, next: left }
  return { fires, missed, next: nextFire(cron, timeZone, now) }
}
