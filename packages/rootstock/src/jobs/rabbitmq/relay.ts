import { setTimeout as pause } from "node:timers/promises"
import { Claim } from "../claim.ts"
import { DueJobs } from "../due-jobs.ts"
import type { Jobs } from "../jobs.ts"
import type { Identity, Taker } from "../source.ts"
import type { TakenJob } from "../taken.ts"
import type { AtBroker } from "./at-broker.ts"
import type { Declarations } from "./declarations.ts"
import { briefly } from "./link.ts"
import type { BrokerMeasures } from "./measures.ts"
import { bodyOf, jobEnvelope } from "./message.ts"
import type { Publication, Publisher } from "./publisher.ts"

export type RelayOptions = {
  readonly jobs: Jobs
  readonly atBroker: AtBroker
  readonly publisher: Publisher
  readonly declarations: Declarations
  readonly measures: BrokerMeasures
  /** Whose jobs they are, shown in the messages. */
  readonly sender: string
  readonly pollMs: number
}

/** The most messages whose confirmations are awaited. */
const mostInFlight = 500
/** The most jobs that are taken ahead of them. */
const mostAhead = 500
/**
 * How long the note of a confirmation may be put off, in milliseconds: jobs that are received meanwhile need none, and
 * others share one statement.
 */
const confirmAfterMs = 250
/** Pauses between the tries to write to a database that is away, in milliseconds. */
const firstPauseMs = 100
const longestPauseMs = 5_000

/**
 * Hands the jobs of queues to the broker when they are due, the most urgent lane first. Any number of processes may do so
 * side by side.
 */
export class Relay {
  readonly #options: RelayOptions
  readonly #claim: Claim
  readonly #queues = new Map<string, { readonly due: DueJobs; readonly taker: Taker }>()
  #identity: Identity | undefined
  #stopping = false
  /** Taken, and not published. */
  #ahead: TakenJob[] = []
  /** Published, and not known to be at the broker. */
  readonly #inFlight = new Map<string, TakenJob>()
  /** Those of them that were received all the same. */
  readonly #receivedEarly = new Set<string>()
  /** At the broker, and not noted as such. */
  readonly #confirmed = new Map<string, TakenJob>()
  #confirming: NodeJS.Timeout | undefined
  /** Not at the broker, or not known to be. */
  #returned = new Map<string, TakenJob>()
  #writing: Promise<void> | undefined
  #tidying = false

  constructor(options: RelayOptions) {
    this.#options = options
    this.#claim = new Claim(options.jobs.backend.dialect, "at_broker")
  }

  /** Adds a queue, before the start. */
  add(queue: string): void {
    const { jobs, pollMs, declarations } = this.#options
    const taker: Taker = {
      room: () => this.#room(queue),
      accept: (taken) => this.#accept(taken),
      has: (id) => this.#has(id),
    }
    const giveBackUnknown = (identity: Identity) => this.#giveBackUnknown(identity, queue)
    const due = new DueJobs({ jobs, queue, claim: this.#claim, pollMs, giveBackUnknown })
    this.#queues.set(queue, { due, taker })
    declarations.add(queue, () => due.look())
  }

  async start(identity: Identity): Promise<void> {
    this.#identity = identity
    for (const { due, taker } of this.#queues.values()) await due.start(identity, taker)
  }

  /** Others see to what was taken in the name of the worker. */
  lose(): void {
    this.#identity = undefined
    this.#ahead = []
    this.#confirmed.clear()
    this.#returned.clear()
    this.#receivedEarly.clear()
    for (const { due } of this.#queues.values()) due.lose()
  }

  resume(identity: Identity): void {
    this.#identity = identity
    for (const { due } of this.#queues.values()) due.resume(identity)
  }

  /** The job was received: nothing is to be noted any more. */
  received(id: string): void {
    if (!this.#confirmed.delete(id) && this.#inFlight.has(id)) this.#receivedEarly.add(id)
  }

  /** Takes nothing more, and leaves nothing that it answers for. Idempotent. */
  async stop(): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    for (const { due } of this.#queues.values()) await due.stop()
    for (const job of this.#ahead.splice(0)) this.#returned.set(job.id, job)
    await briefly(this.#options.publisher.drain())
    for (const [id, job] of this.#inFlight) this.#returned.set(id, job)
    this.#inFlight.clear()
    clearTimeout(this.#confirming)
    this.#confirming = undefined
    this.#writeSoon()
    await briefly(Promise.resolve(this.#writing))
    this.#identity = undefined
    await this.#writing
  }

  #room(queue: string): number {
    const { publisher, declarations } = this.#options
    if (this.#stopping || !publisher.ready || !declarations.has(queue)) return 0
    // A few at a time are not worth a claim while others are at hand.
    return this.#ahead.length > mostAhead / 2 ? 0 : mostAhead - this.#ahead.length
  }

  #has(id: string): boolean {
    return (
      this.#inFlight.has(id) ||
      this.#confirmed.has(id) ||
      this.#returned.has(id) ||
      this.#ahead.some((job) => job.id === id)
    )
  }

  #accept(taken: readonly TakenJob[]): void {
    this.#ahead.push(...taken)
    this.#publish()
  }

  #publish(): void {
    const { publisher, declarations, sender } = this.#options
    const identity = this.#identity
    if (identity === undefined) return
    const count = publisher.ready ? mostInFlight - this.#inFlight.size : this.#ahead.length
    if (count <= 0) return
    for (const job of this.#ahead.splice(0, count)) {
      if (!publisher.ready || !declarations.has(job.queue)) {
        this.#returned.set(job.id, job)
        continue
      }
      this.#inFlight.set(job.id, job)
      publisher.publish(jobEnvelope(job, sender), bodyOf(job), (publication) => this.#told(job, identity, publication))
    }
    this.#writeInTime()
  }

  #told(job: TakenJob, identity: Identity, publication: Publication): void {
    if (this.#inFlight.get(job.id) !== job) return
    this.#inFlight.delete(job.id)
    this.#count(job, publication)
    const received = this.#receivedEarly.delete(job.id)
    if (publication === "returned") this.#options.declarations.declareAgain(job.queue)
    if (this.#identity === identity && !received) {
      if (publication === "confirmed") this.#confirmed.set(job.id, job)
      else this.#returned.set(job.id, job)
    }
    if (this.#tidying) return
    this.#tidying = true
    queueMicrotask(() => this.#tidy())
  }

  /** After what was told of many messages at once. */
  #tidy(): void {
    this.#tidying = false
    this.#publish()
    for (const { due } of this.#queues.values()) due.look()
    this.#writeInTime()
  }

  #writeInTime(): void {
    if (this.#returned.size > 0 || this.#confirmed.size >= mostAhead) this.#writeSoon()
    else if (this.#confirmed.size > 0) this.#confirming ??= setTimeout(() => this.#writeSoon(), confirmAfterMs)
  }

  #count({ queue, runAt }: TakenJob, publication: Publication): void {
    const { measures, jobs } = this.#options
    const measured = measures.of(queue)
    if (publication !== "confirmed") {
      measured[publication]++
      return
    }
    measured.published++
    measured.lag.observe(Math.max(0, jobs.clock.now().getTime() - runAt.getTime()) / 1_000)
  }

  #writeSoon(): void {
    clearTimeout(this.#confirming)
    this.#confirming = undefined
    this.#writing ??= new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
      .then(() => this.#writeAll())
      .finally(() => {
        this.#writing = undefined
        // What came while the last of it was written.
        if (this.#identity !== undefined) this.#writeInTime()
      })
  }

  /** Writes down what became of messages, however long the database is away, as long as the worker is who it was. */
  async #writeAll(): Promise<void> {
    const identity = this.#identity
    for (let wait = firstPauseMs; identity !== undefined && this.#identity === identity; ) {
      try {
        await this.#write(identity)
        if (this.#returned.size === 0 && (this.#confirmed.size < mostAhead || this.#stopping)) return
      } catch (error) {
        this.#options.jobs.log.warning("What became of messages cannot be written", { error })
        await pause(wait)
        wait = Math.min(wait * 2, longestPauseMs)
      }
    }
  }

  async #write({ id }: Identity): Promise<void> {
    const { atBroker, jobs } = this.#options
    const returned = [...this.#returned.values()]
    if (returned.length > 0) {
      const queues = await atBroker.giveBack(returned, id)
      for (const job of returned) remove(this.#returned, job)
      const first = returned.reduce((due, { runAt }) => Math.min(due, runAt.getTime()), Number.POSITIVE_INFINITY)
      for (const queue of queues) jobs.wake(queue, first)
    }
    const confirmed = [...this.#confirmed.values()]
    if (confirmed.length > 0) {
      await atBroker.confirm(confirmed, id)
      for (const job of confirmed) remove(this.#confirmed, job)
    }
  }

  /** Jobs whose claim was made and not answered wait again. */
  async #giveBackUnknown({ id }: Identity, queue: string): Promise<void> {
    const { atBroker } = this.#options
    const unknown = (await atBroker.of(id, queue)).filter((one) => !this.#has(one.id))
    if (unknown.length > 0) await atBroker.giveBack(unknown, id)
  }
}

/** Unless another taking of the job stands there by now. */
function remove(jobs: Map<string, TakenJob>, job: TakenJob): void {
  if (jobs.get(job.id) === job) jobs.delete(job.id)
}
