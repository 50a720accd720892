import { choice, index, integer, json, table, text, timestamp, unique, uuid } from "../schema/index.ts"
import { createdAt } from "../shared/index.ts"

/** The most characters of the name of a queue or a kind. */
export const longestName = 64
/** The most characters of a message's id: AMQP has no longer ones. */
export const longestMessageId = 255

/** Work that waits or is being done. A row goes when its work is done, so that the table stays small. */
export const job = table(
  "job",
  {
    id: uuid().primaryKey(),
    queue: text({ max: longestName }),
    kind: text({ max: longestName }),
    lane: integer().check("lane BETWEEN 0 AND 4").describe("0 is served first."),
    state: choice("wait", "held", "at_broker").default("wait"),
    runAt: timestamp().describe("It is not begun before."),
    attempt: integer().default(0).describe("How often it was taken."),
    maxAttempts: integer().default(20),
    worker: uuid().nullable().describe("Who holds it."),
    dedupe: text({ max: 300 }).nullable().describe("Kind and key: no two waiting jobs have the same."),
    fireAt: timestamp().nullable().describe("The instant that it is for, where that is not when it was made."),
    payload: json(),
    messageId: text({ max: longestMessageId }).nullable().describe("What its producer called the message that it was."),
    lastError: text().nullable(),
    createdAt: createdAt(),
  },
  (t) => [
    index(t.queue, t.lane, t.runAt, t.id).where("state = 'wait'").named("job_ready_index"),
    index(t.worker).where("state <> 'wait'").named("job_held_index"),
    unique(t.dedupe).where("dedupe IS NOT NULL AND state = 'wait'").named("job_dedupe_index"),
  ],
)

/** Jobs that are given up: out of attempts, refused for good, or cancelled. */
export const jobDead = table(
  "job_dead",
  {
    id: uuid().primaryKey(),
    queue: text({ max: longestName }),
    kind: text({ max: longestName }),
    lane: integer(),
    reason: choice("attempts", "permanent", "cancelled"),
    attempt: integer(),
    maxAttempts: integer(),
    fireAt: timestamp().nullable(),
    payload: json(),
    messageId: text({ max: longestMessageId }).nullable(),
    lastError: text().nullable(),
    createdAt: timestamp().describe("When the job was made."),
    diedAt: timestamp(),
  },
  (t) => [index(t.diedAt, t.id), index(t.queue, t.diedAt, t.id)],
)

/** What went wrong, attempt by attempt; kept beyond the end of the job. */
export const jobError = table(
  "job_error",
  {
    id: uuid().primaryKey(),
    jobId: uuid().describe("The job, which may be gone."),
    attempt: integer(),
    error: text(),
    at: timestamp(),
  },
  (t) => [index(t.jobId, t.id), index(t.at)],
)

/** Queues from which nothing is taken. */
export const pausedQueue = table("paused_queue", { queue: text({ max: longestName }).primaryKey(), at: timestamp() })

/** Workers that live. One whose `seen` stands still is removed by the others. */
export const worker = table("worker", {
  id: uuid().primaryKey(),
  host: text({ max: 255 }),
  pid: integer(),
  seen: timestamp().describe("By the worker's own clock; others only look whether it changes."),
})

/** Messages of foreign producers that were handled. */
export const inbox = table(
  "inbox",
  {
    consumer: text({ max: longestName }).primaryKey(),
    messageId: text({ max: longestMessageId }).primaryKey(),
    at: timestamp(),
  },
  (t) => [index(t.at)],
)

/**
 * The tables that jobs need in each database.
 *
 * ### Examples
 *
 * ```ts
 * export const tables = { users, orders, ...jobTables }
 * ```
 */
export const jobTables = { job, jobDead, jobError, pausedQueue, worker, inbox } as const
