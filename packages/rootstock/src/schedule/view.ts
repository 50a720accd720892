import type { Definition } from "./define.ts"
import type { Misfire } from "./misfire.ts"
import type { ScheduleRow } from "./storages.ts"
import { restoreTiming, storeTiming, type Timing } from "./timing.ts"

/**
 * `active` ones fire; `paused` ones wait for somebody to resume them; `ended` ones fire no more: their declaration is
 * gone, or their only fire was missed.
 */
export type ScheduleState = "active" | "paused" | "ended"

/** A schedule as it is shown. */
export type Schedule = {
  readonly key: string
  readonly source: "code" | "stored"
  readonly state: ScheduleState
  /** Null where it fires once. */
  readonly cron: string | null
  /** IANA name; null where it fires once. */
  readonly timeZone: string | null
  /** The instant of the only fire; null where it recurs. */
  readonly at: Date | null
  readonly queue: string
  readonly kind: string
  readonly payload: unknown
  readonly misfire: Misfire
  readonly graceMs: number
  /** Null where it is over. */
  readonly nextAt: Date | null
  /** The latest time for which it has fired. */
  readonly lastAt: Date | null
  /** Rises with each change. */
  readonly rev: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

export function viewOf(row: ScheduleRow): Schedule {
  const { spec, timeZone, misfireMax: _, enabled, ...rest } = row
  const recurs = timeZone !== null
  return {
    ...rest,
    state: row.nextAt === null ? "ended" : enabled ? "active" : "paused",
    cron: recurs ? spec : null,
    timeZone,
    at: recurs ? null : new Date(spec),
    misfire: misfireOf(row),
  }
}

/** The columns that a definition sets. */
export function columnsOf({ timing, job, json, misfire, graceMs }: Definition) {
  return {
    ...storeTiming(timing),
    queue: job.queue,
    kind: job.kind,
    payload: json,
    misfire: typeof misfire === "object" ? ("all" as const) : misfire,
    misfireMax: typeof misfire === "object" ? misfire.all : null,
    graceMs,
  }
}

export function misfireOf({ misfire, misfireMax }: Pick<ScheduleRow, "misfire" | "misfireMax">): Misfire {
  return misfire === "all" ? { all: misfireMax as number } : misfire
}

/** @throws ValidationError where the row was written by other hands */
export const timingOf = (row: ScheduleRow): Timing => restoreTiming(row)
