import { ValidationError } from "../errors/index.ts"
import { type Cron, parseCron } from "./cron.ts"
import { nextFire } from "./fires.ts"
import { checkZone } from "./zone.ts"

/** Fires by a cron expression in a zone. */
export type Recurrence = { readonly cron: Cron; readonly timeZone: string }

/** When a schedule fires: again and again, or once, at an instant. */
export type Timing = Recurrence | { readonly at: Date }

/** A recurrence as it is given. */
export type RecurrenceInput = {
  /** Five fields, six with seconds, or a nickname such as `@daily`. */
  readonly cron: string
  /** IANA name of the zone whose wall clock the expression means. */
  readonly timeZone: string
  readonly at?: never
}

/** When a schedule fires, as it is given. */
export type TimingInput =
  | RecurrenceInput
  | {
      /** The instant of its only fire; one that has passed is due at once. */
      readonly at: Date
      readonly cron?: never
      readonly timeZone?: never
    }

/** A timing as its row keeps it; an instant has no zone. */
export type StoredTiming = { readonly spec: string; readonly timeZone: string | null }

/** @throws ValidationError */
export function readTiming(input: TimingInput): Timing {
  const { at, cron, timeZone } = input as { at?: unknown; cron?: unknown; timeZone?: unknown }
  if ((at === undefined) === (cron === undefined)) {
    throw new ValidationError("A schedule has either `cron` or `at`.", {
      cure: "Give a cron expression with its time zone, or the instant of the only fire.",
    })
  }
  if (at === undefined) return { cron: parseCron(cron as string), timeZone: checkZone(timeZone) }
  if (at instanceof Date && Number.isFinite(at.getTime())) return { at }
  throw new ValidationError(`\`at\` is no instant: ${String(at)}.`, { cure: "Give a valid Date." })
}

export function storeTiming(timing: Timing): StoredTiming {
  return "at" in timing
    ? { spec: timing.at.toISOString(), timeZone: null }
    : { spec: timing.cron.expression, timeZone: timing.timeZone }
}

/** @throws ValidationError where the row was written by other hands */
export function restoreTiming({ spec, timeZone }: StoredTiming): Timing {
  return timeZone === null ? readTiming({ at: new Date(spec) }) : readTiming({ cron: spec, timeZone })
}

/** The first fire of a schedule that is made or mended at `now`. */
export function firstFire(timing: Timing, now: Date): Date | undefined {
  return "at" in timing ? timing.at : nextFire(timing.cron, timing.timeZone, now)
}
