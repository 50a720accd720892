import type { Cron } from "./cron.ts"
import { type Stretch, stretchAt } from "./zone.ts"

const dayMs = 86_400_000

/** The last instant that a timestamp() takes. */
const endOfTime = 253_402_300_799_999

/**
 * The instants at which `cron` fires in `zone`, strictly after `after`, ascending.
 *
 * A wall time that a clock change skips comes later by as much as the clock jumps, and fires once; one that comes twice
 * fires at its first pass. Where every hour is allowed, fires follow elapsed time: each instant whose wall time fits, and
 * no others; likewise the second pass where the minutes are written with `*`.
 *
 * @param zone IANA name
 *
 * ### Examples
 *
 * ```ts
 * const [first] = firesAfter(parseCron("30 2 * * *"), "Europe/Berlin", new Date("2026-03-28T12:00:00Z"))
 * first // 2026-03-29T01:30:00.000Z, which is 03:30: there is no 02:30 on that day
 * ```
 */
export function* firesAfter(cron: Cron, zone: string, after: Date): Generator<Date, void, undefined> {
  for (let from = after.getTime() + 1; from <= endOfTime; ) {
    const stretch = stretchAt(zone, from)
    for (let fire = fireIn(cron, stretch, from); fire !== undefined; fire = fireIn(cron, stretch, fire + 1)) {
      if (fire > endOfTime) return
      yield new Date(fire)
    }
    from = stretch.end
  }
}

/** The first fire strictly after `after`; undefined where the calendar ends before. */
export function nextFire(cron: Cron, zone: string, after: Date): Date | undefined {
  return firesAfter(cron, zone, after).next().value ?? undefined
}

/** The first fire in `[from, stretch.end)`. */
function fireIn(cron: Cron, { start, end, offset, offsetBefore }: Stretch, from: number): number | undefined {
  const jump = offset - offsetBefore
  // Behind a change backwards come wall times that have been already.
  const fresh = jump < 0 && !cron.repeats ? Math.max(from, start - jump) : from
  const fire = matchIn(cron, offset, fresh, end)
  if (jump <= 0 || cron.everyHour) return fire
  // Wall times that a change forwards skipped are those of the offset before it.
  const skipped = matchIn(cron, offsetBefore, from, Math.min(start + jump, fire ?? end, end))
  return skipped ?? fire
}

/** The first instant in `[from, end)` whose wall time at this offset fits. */
function matchIn(cron: Cron, offset: number, from: number, end: number): number | undefined {
  const wall = Math.ceil((from + offset) / 1_000) * 1_000
  const today = Math.floor(wall / dayMs)
  const day = cron.dayFrom(today)
  if (day === undefined || day * dayMs >= end + offset) return undefined
  let time = cron.timeFrom(day === today ? (wall - today * dayMs) / 1_000 : 0)
  let on: number | undefined = day
  if (time === undefined) {
    on = cron.dayFrom(day + 1)
    time = cron.timeFrom(0)
  }
  if (on === undefined || time === undefined) return undefined
  const fire = on * dayMs + time * 1_000 - offset
  return fire < end ? fire : undefined
}

/** Up to `count` fires in `(after, until]`: the latest ones, ascending. */
export function latestFires(cron: Cron, zone: string, after: Date, until: Date, count: number): Date[] {
  for (let span = count * 60_000; ; span *= 4) {
    const start = Math.max(after.getTime(), until.getTime() - span)
    const fires = firesUntil(cron, zone, new Date(start), until, Number.POSITIVE_INFINITY)
    if (fires.length >= count || start === after.getTime()) return fires.slice(-count)
  }
}

/** Up to `most` fires in `(after, until]`: the first ones. */
export function firesUntil(cron: Cron, zone: string, after: Date, until: Date, most: number): Date[] {
  const fires: Date[] = []
  if (most <= 0) return fires
  for (const fire of firesAfter(cron, zone, after)) {
    if (fire > until) break
    fires.push(fire)
    if (fires.length >= most) break
  }
  return fires
}
