import { boolean, choice, index, integer, json, table, text, timestamp, uuid } from "../schema/index.ts"
import { createdAt, updatedAt } from "../shared/index.ts"

/** The most characters of the key of a schedule. */
export const longestKey = 200

/** What is to be sent when. A one-time schedule goes when it has fired. */
export const schedule = table(
  "schedule",
  {
    key: text({ max: longestKey }).primaryKey(),
    source: choice("code", "stored"),
    spec: text({ max: 200 }).describe("A cron expression, or the instant of the only fire in ISO 8601."),
    timeZone: text({ max: 64 }).named("tz").nullable().describe("Null where it fires once."),
    queue: text({ max: 64 }),
    kind: text({ max: 64 }).describe("Kind of the job that a fire sends."),
    payload: json().describe("Payload of each job."),
    nextAt: timestamp().nullable().describe("When it fires next; null where it is over."),
    lastAt: timestamp().nullable().describe("The latest time for which it has fired."),
    misfire: choice("skip", "once", "all"),
    misfireMax: integer().nullable().describe("The most fires that are made up for, where misfire is all."),
    graceMs: integer().check("grace_ms >= 0").describe("How late a fire is still on time."),
    enabled: boolean().default(true).describe("False while somebody pauses it."),
    rev: integer().describe("Rises with each change; begins with the clock, so that a key used again has another."),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [index(t.enabled, t.nextAt, t.key), index(t.source)],
)

/** Each fire that was made: no schedule fires twice for one time, whoever tries. */
export const scheduleFire = table(
  "schedule_fire",
  {
    key: text({ max: longestKey }).primaryKey(),
    fireAt: timestamp().primaryKey(),
    jobId: uuid(),
    cause: choice("due", "hand", "replay"),
    at: timestamp().describe("When it was made."),
  },
  (t) => [index(t.at)],
)

/**
 * The tables that schedules need in each database, beside those of jobs.
 *
 * ### Examples
 *
 * ```ts
 * export const tables = { users, orders, ...jobTables, ...scheduleTables }
 * ```
 */
export const scheduleTables = { schedule, scheduleFire } as const
