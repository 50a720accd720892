import { DeclarationError } from "../errors/index.ts"
import type { Field } from "../fields/index.ts"
import { retryDelay } from "./backoff.ts"
import { makePayload, type Payload } from "./payload.ts"
import { longestName } from "./tables.ts"

/** How urgent a job is among those of its queue; 0 is served first. */
export type Lane = 0 | 1 | 2 | 3 | 4

/** What a handler is told beside the payload. */
export type JobContext = {
  readonly job: {
    readonly id: string
    readonly kind: string
    readonly queue: string
    readonly lane: number
    readonly createdAt: Date
  }
  /** The id that its producer gave the message of others that became the job; undefined where there is none. */
  readonly messageId: string | undefined
  /** From 1. */
  readonly attempt: number
  /** The instant that the job is for: that of its schedule, or for which it was sent. The same at each attempt. */
  readonly fireAt: Date
  /** Milliseconds from `fireAt` to the start of this attempt; 0 at least. */
  readonly lateMs: number
  /** Aborted at the time limit, at the end of a stop's patience, and where the job was taken away. */
  readonly signal: AbortSignal
}

/** What the handler of a job is told whose completion is its own to make. */
export type CommitContext = JobContext & {
  /**
   * Runs `effects` and completes the job, both in one transaction: both happen, or neither. It may be called once; a
   * handler that does not call it completes the job by returning.
   *
   * @throws FencedOutError where the job is another's by then; what `effects` throws, and then nothing happened
   *
   * ### Examples
   *
   * ```ts
   * const answer = await askServer(signal)
   * await commit(() => store.answers.create({ requestId, answer }))
   * ```
   */
  readonly commit: <T>(effects: () => T | Promise<T>) => Promise<T>
}

/** Does the work of a job. */
export type Handler<P = unknown, T extends boolean = boolean> = {
  // As a method, so that handlers of all kinds can stand in one list.
  run(payload: P, context: T extends true ? JobContext : CommitContext): unknown
}["run"]

/** Milliseconds to wait before the next attempt; `random` is between 0 and 1. */
export type Backoff = (attempt: number, random: number) => number

export type JobOptions<P, T extends boolean> = {
  /** Name of the queue, at most 64 characters. */
  queue: string
  /** What a job carries; checked when it is sent and when it is taken. */
  payload: Field<P>
  /**
   * The handler runs in the transaction that completes the job, so that all it does to the database happens exactly once.
   * It calls no other server: for that, leave this out and use `commit`.
   */
  transactional?: T
  /** May be given later, by `handle`, where senders should not import it. */
  handler?: Handler<P, T>
  /** How often it is tried before it is dead, from 1 (default 20). */
  attempts?: number
  /** How long one attempt may take, in milliseconds (default 600,000). */
  timeoutMs?: number
  /** Default 2. */
  lane?: Lane
  /** Default: twice as long each time, from 1 to 2 seconds after the first attempt, up to an hour. */
  backoff?: Backoff
  /**
   * Where queues are at a broker: what any client publishes to the queue there, as JSON that fits the payload, is a job of
   * this kind. One kind of a queue may be so.
   */
  foreign?: boolean
  /**
   * For whoever listens to the queue at a broker: the payload is published there as JSON, and the job is done when the
   * broker has it; its handler, which it need not have, runs then. Where queues are in the database it stays there so many
   * days (default 7). Such kinds have a queue without others.
   */
  published?: boolean | { keepDays: number }
}

/** A declared kind of job. */
export type Job<P = unknown, T extends boolean = boolean> = {
  readonly kind: string
  readonly queue: string
  readonly payload: Payload<P>
  readonly transactional: T
  readonly handler: Handler<P, T> | undefined
  readonly attempts: number
  readonly timeoutMs: number
  readonly lane: Lane
  readonly backoff: Backoff
  readonly foreign: boolean
  readonly published: { readonly keepDays: number } | undefined
}

/** A kind of job with the function that does it. */
export type JobHandler = { readonly job: Job; readonly handler: Handler }

/**
 * Declares a kind of job.
 *
 * @param kind its name in the database, at most 64 characters; never changed once jobs were sent
 * @throws DeclarationError where an option makes no sense
 *
 * ### Examples
 *
 * ```ts
 * export const orderPlaced = defineJob("order_placed", {
 *   queue: "order",
 *   payload: objectOf("OrderPlaced", { orderId: rowId }),
 *   transactional: true,
 * })
 * ```
 */
export function defineJob<P, const T extends boolean = false>(kind: string, options: JobOptions<P, T>): Job<P, T> {
  const { queue, attempts = 20, timeoutMs = 600_000, lane = 2 } = options
  checkName(`The kind ${JSON.stringify(kind)}`, kind)
  checkName(`The queue ${JSON.stringify(queue)} of ${kind}`, queue)
  checkWhole(`The number of attempts of ${kind}`, attempts, 1, 1_000)
  checkWhole(`The time limit of ${kind} in milliseconds`, timeoutMs, 1, 2_147_483_647)
  checkWhole(`The lane of ${kind}`, lane, 0, 4)
  const published = publishedOf(options)
  if (published !== undefined) checkWhole(`The number of days to keep ${kind}`, published.keepDays, 1, 36_500)
  return Object.freeze({
    kind,
    queue,
    payload: makePayload(kind, options.payload),
    transactional: (options.transactional ?? false) as T,
    handler: options.handler,
    attempts,
    timeoutMs,
    lane,
    backoff: options.backoff ?? retryDelay,
    foreign: options.foreign ?? false,
    published,
  })
}

/**
 * Gives a kind of job its handler, apart from its declaration.
 *
 * ### Examples
 *
 * ```ts
 * export const handlers = [
 *   handle(orderPlaced, async ({ orderId }) => store.deliveries.create({ orderId })),
 * ]
 * ```
 */
export function handle<P, T extends boolean>(job: Job<P, T>, handler: Handler<P, T>): JobHandler {
  return Object.freeze({ job, handler: handler as Handler })
}

function publishedOf({ published = false }: { published?: boolean | { keepDays: number } }): Job["published"] {
  if (published === false) return undefined
  return Object.freeze({ keepDays: published === true ? 7 : published.keepDays })
}

/**
 * Checks that the kinds of each queue go together.
 *
 * @throws DeclarationError
 */
export function checkQueues(definitions: readonly Job[]): void {
  for (const [queue, kinds] of Map.groupBy(definitions, (one) => one.queue)) {
    const shown = (some: readonly Job[]) => some.map(({ kind }) => kind).join(" and ")
    const foreign = kinds.filter((one) => one.foreign)
    if (foreign.length > 1) {
      throw new DeclarationError(`Messages of others in the queue ${queue} would be both ${shown(foreign)}.`, {
        cure: "Leave `foreign` to one of them, or give them queues of their own.",
      })
    }
    const published = kinds.filter((one) => one.published !== undefined)
    const others = kinds.filter((one) => one.published === undefined || one.foreign)
    if (published.length === 0 || others.length === 0) continue
    throw new DeclarationError(
      `The queue ${queue} is for whoever listens (${shown(published)}) and for workers (${shown(others)}).`,
      { cure: "Give the kinds that are published a queue of their own." },
    )
  }
}

/** The characters of a name: those that are safe in a URL, a channel and a routing key. */
const nameForm = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/

export function checkName(what: string, name: string): void {
  if (typeof name === "string" && nameForm.test(name) && name.length <= longestName) return
  throw new DeclarationError(`${what} is no name.`, {
    cure: `Use at most ${longestName} letters, digits, underscores, points and hyphens.`,
  })
}

function checkWhole(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new DeclarationError(`${what} is ${value}.`, { cure: `Give a whole number from ${least} to ${most}.` })
}
