import { type ColumnType, definitionOf, type SqlValue, uuidv7 } from "../../schema/index.ts"
import { transaction } from "../../session/index.ts"
import type { Job } from "../define.ts"
import { errorMessage, errorText } from "../error-text.ts"
import { PermanentError } from "../errors.ts"
import type { Jobs } from "../jobs.ts"
import type { Backend } from "../storages.ts"
import { inbox, job } from "../tables.ts"
import type { TakenJob } from "../taken.ts"
import { RowsStatement } from "./rows-statement.ts"

/** A message of others that is to become a job. */
export type NewMessage = {
  /** The id that the job gets, the same however often it is tried. */
  readonly id: string
  /** What its producer gave it; undefined where it is handled each time. */
  readonly messageId: string | undefined
  readonly job: Job
  readonly payload: unknown
}

/** A message that never will be a job. */
export type RefusedMessage = {
  readonly id: string
  readonly messageId: string | undefined
  readonly queue: string
  readonly job: Job | undefined
  readonly payload: unknown
  readonly error: Error
}

/** The kind of a dead job that no kind of job fits. */
export const unknownKind = "unknown"

/** Nothing was taken: the worker was taken for dead, or the queue is paused. */
export class NotTakenError extends Error {}

type Columns = Readonly<Record<string, ColumnType>>

const jobKeys = [
  "id",
  "queue",
  "kind",
  "lane",
  "state",
  "runAt",
  "attempt",
  "maxAttempts",
  "worker",
  "payload",
  "messageId",
  "createdAt",
] as const

/** Brings messages of others into the database: each once, in the transaction that makes it a job or a dead one. */
export class Intake {
  readonly #jobs: Jobs
  readonly #notes: RowsStatement<string>
  readonly #insert: RowsStatement
  readonly #storedPayload: (value: unknown) => SqlValue

  constructor(jobs: Jobs) {
    const { backend } = jobs
    this.#jobs = jobs
    this.#notes = new RowsStatement(backend, {
      columns: columnsOf(inbox, ["consumer", "messageId", "at"]),
      // The condition tells the parser where ON CONFLICT begins: https://sqlite.org/lang_upsert.html#parsing_ambiguity
      sql: (rows) =>
        `INSERT INTO inbox (consumer, message_id, at) SELECT consumer, message_id, at FROM (${rows}) AS given WHERE true ON CONFLICT (consumer, message_id) DO NOTHING RETURNING message_id`,
      label: "jobs.receive",
      decode: ([messageId]) => messageId,
    })
    const columns = columnsOf(job, jobKeys)
    const names = Object.keys(columns).join(", ")
    this.#insert = new RowsStatement(backend, {
      columns,
      sql: (rows) =>
        `INSERT INTO job (${names}) SELECT ${names} FROM (${rows}) AS given WHERE EXISTS (SELECT 1 FROM worker WHERE worker.id = given.worker) AND NOT EXISTS (SELECT 1 FROM paused_queue WHERE paused_queue.queue = given.queue)`,
      label: "jobs.receive",
    })
    this.#storedPayload = payloadWriter(backend)
  }

  /**
   * Makes jobs of messages, held by a worker from the start.
   *
   * @returns the jobs; not those of messages that were handled before
   * @throws NotTakenError where the worker was taken for dead, or the queue is paused
   */
  async receive(queue: string, messages: readonly NewMessage[], worker: string): Promise<readonly TakenJob[]> {
    const present = this.#jobs.clock.now()
    const taken = await transaction(
      async () => {
        const fresh = await this.#unhandled(queue, messages, present)
        const made = fresh.map((one) => takenJob(queue, one, present))
        if (made.length === 0) return made
        const { changes } = await this.#insert.run(made.map((one) => this.#row(one, worker)))
        if (changes < made.length) throw new NotTakenError()
        return made
      },
      { name: "jobs.receive" },
    )
    this.#jobs.measures.inboxHits += messages.length - taken.length
    return taken
  }

  /** Keeps a message among the dead jobs. @returns whether it was not there, or handled, before */
  async refuse({ id, messageId, queue, job: definition, payload, error }: RefusedMessage): Promise<boolean> {
    const { clock, store } = this.#jobs
    const diedAt = clock.now()
    return transaction(
      async () => {
        if (messageId !== undefined && (await this.#note(queue, [messageId], diedAt)).size === 0) return false
        await store.dead.create({
          id,
          queue,
          kind: definition?.kind ?? unknownKind,
          lane: definition?.lane ?? 2,
          reason: "permanent",
          attempt: 0,
          maxAttempts: definition?.attempts ?? 1,
          fireAt: null,
          payload,
          messageId: messageId ?? null,
          lastError: errorMessage(error),
          createdAt: diedAt,
          diedAt,
        })
        await store.errors.create({ jobId: id, attempt: 0, error: errorText(error), at: diedAt })
        return true
      },
      { name: "jobs.refuse" },
    )
  }

  async #unhandled(queue: string, messages: readonly NewMessage[], present: Date): Promise<readonly NewMessage[]> {
    const ids = new Set(messages.flatMap(({ messageId }) => messageId ?? []))
    const noted = await this.#note(queue, [...ids], present)
    // Of those that came twice at once, the first.
    return messages.filter(({ messageId }) => messageId === undefined || noted.delete(messageId))
  }

  async #note(consumer: string, messageIds: readonly string[], present: Date): Promise<Set<string>> {
    if (messageIds.length === 0) return new Set()
    const at = present.toISOString()
    // In one order, so that two who note the same do not wait for each other.
    const rows = [...messageIds].sort().map((messageId) => [consumer, messageId, at])
    return new Set((await this.#notes.run(rows)).rows)
  }

  #row(
    { id, queue, kind, lane, runAt, attempt, maxAttempts, payload, messageId, createdAt }: TakenJob,
    worker: string,
  ): readonly SqlValue[] {
    const stored = this.#storedPayload(payload)
    const [due, made] = [runAt.toISOString(), createdAt.toISOString()]
    return [id, queue, kind, lane, "held", due, attempt, maxAttempts, worker, stored, messageId, made]
  }
}

function takenJob(queue: string, { id, messageId, job: definition, payload }: NewMessage, present: Date): TakenJob {
  const { kind, lane, attempts } = definition
  const times = { runAt: present, fireAt: null, createdAt: present }
  return { id, queue, kind, lane, attempt: 1, maxAttempts: attempts, payload, messageId: messageId ?? null, ...times }
}

export const newJobId = (): string => uuidv7()

function columnsOf(table: Parameters<typeof definitionOf>[0], keys: readonly string[]): Columns {
  const { column } = definitionOf(table)
  return Object.fromEntries(
    keys.map((key) => {
      const found = column.get(key)
      if (found === undefined) throw new TypeError(`There is no column ${key}`)
      return [found.name, found.type]
    }),
  )
}

function payloadWriter({ dialect }: Backend): (value: unknown) => SqlValue {
  const type = definitionOf(job).column.get("payload")?.type as ColumnType
  const { convert } = dialect.codec(type)
  return (value) => {
    const stored = convert === undefined ? value : convert(value)
    if (typeof stored === "string") return stored
    throw new PermanentError("A payload that was checked cannot be stored.")
  }
}
