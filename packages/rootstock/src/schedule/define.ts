import { DeclarationError, RootstockError, ValidationError } from "../errors/index.ts"
import type { Job } from "../jobs/index.ts"
import { checkMisfire, type Misfire } from "./misfire.ts"
import { longestKey } from "./tables.ts"
import { type RecurrenceInput, readTiming, type Timing, type TimingInput } from "./timing.ts"

/** What a schedule does about fires that are late. */
export type MisfireOptions = {
  /** What becomes of fires that are later than the grace (default `once`). */
  readonly misfire?: Misfire
  /** How late a fire may be and still be on time, in milliseconds, up to 30 days (default 60,000). */
  readonly graceMs?: number
}

/** What each fire of a schedule sends. */
export type Sent<P> = {
  readonly job: Job<P>
  readonly payload: P
}

/** What each fire of a schedule sends, as data: from a request, or from the command line. */
export type SentJson = {
  /** Kind of the job. */
  readonly kind: string
  /** As the kind's payload is stored: names in snake_case, instants as text. */
  readonly payload: unknown
}

/** A schedule that is declared in code. */
export type DeclaredSchedule = Definition & { readonly key: string }

/** All that a schedule is, checked. */
export type Definition = {
  readonly timing: Timing
  readonly job: Job
  /** The payload as it is stored. */
  readonly json: unknown
  readonly misfire: Misfire
  readonly graceMs: number
}

const defaultGraceMs = 60_000
const longestGraceMs = 30 * 86_400_000

/**
 * Declares a schedule in code. Whoever starts a scheduler with it keeps its row in step with the declaration.
 *
 * @param key its name in the database; never changed, or it is another schedule
 * @throws DeclarationError where an option makes no sense
 *
 * ### Examples
 *
 * ```ts
 * export const orderReports = defineSchedule("order-reports", {
 *   cron: "0 0 * * *",
 *   timeZone: "Europe/Moscow",
 *   job: writeReport,
 *   payload: {},
 *   misfire: { all: 31 },
 * })
 * ```
 */
export function defineSchedule<P>(key: string, options: RecurrenceInput & Sent<P> & MisfireOptions): DeclaredSchedule {
  try {
    checkKey(key)
    const { job, payload } = options
    return Object.freeze({ key, ...define(options, job as Job, job.payload.write(payload)) })
  } catch (cause) {
    if (!(cause instanceof RootstockError)) throw cause
    throw new DeclarationError(`The schedule ${key} makes no sense: ${cause.message}`, { cure: cause.cure, cause })
  }
}

/** @param json the payload, checked already */
export function define(options: TimingInput & MisfireOptions, job: Job, json: unknown): Definition {
  return {
    timing: readTiming(options),
    job,
    json,
    misfire: checkMisfire(options.misfire ?? "once"),
    graceMs: checkGrace(options.graceMs ?? defaultGraceMs),
  }
}

export function checkGrace(graceMs: number): number {
  if (Number.isInteger(graceMs) && graceMs >= 0 && graceMs <= longestGraceMs) return graceMs
  throw new ValidationError(`The grace is ${graceMs} milliseconds.`, {
    cure: `Give a whole number from 0 to ${longestGraceMs}, which are 30 days.`,
  })
}

/** The characters of a key: those that are safe in a URL and on a command line. */
const keyForm = /^[A-Za-z0-9][A-Za-z0-9_.:/-]*$/

export function checkKey(key: unknown): string {
  if (typeof key === "string" && keyForm.test(key) && key.length <= longestKey) return key
  throw new ValidationError(`${JSON.stringify(key)} is no key of a schedule.`, {
    cure: `Use at most ${longestKey} letters, digits, and the characters _ . : / -, e.g. "calendar:7".`,
  })
}
