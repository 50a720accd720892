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
import { bodyOf, jobEnvelope, type Mark } from "./message.ts"
import { Notes } from "./notes.ts"
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
const mostAhead = 6_000
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
  readonly #inFlight = new Map<string, { readonly job: TakenJob; readonly identity: Identity }>()
  /** Those of them that were received all the same. */
  readonly #receivedEarly = new Set<string>()
  /** At the broker, which is to be noted: should the process die before, their jobs are published once more. */
  readonly #confirmed: Notes
  /** Begun by this worker without a word to the database, which is to be noted where they take a while. */
  readonly #begun: Notes
  /** Not at the broker, or not known to be. */
  readonly #returned = new Map<string, TakenJob>()
  #givingBack: Promise<void> | undefined
  #tidying = false

  constructor(options: RelayOptions) {
    this.#options = options
    this.#claim = new Claim(options.jobs.backend.dialect, "at_broker")
    const { atBroker, jobs } = options
    this.#confirmed = new Notes({
      log: jobs.log,
      failure: "What RabbitMQ has cannot be noted in the database",
      write: async (some, worker) => {
        await atBroker.confirm(some, worker)
        return new Set(some.map(({ id }) => id))
      },
    })
    this.#begun = new Notes({
      log: jobs.log,
      failure: "Which jobs are being done cannot be noted in the database",
      write: (some, worker) => atBroker.hold(some, worker),
    })
  }

  /** Adds a queue, before the start. */
  add(queue: string): void {
    const { jobs, pollMs, declarations } = this.#options
    const taker: Taker = {
      room: () => this.#room(queue),
      capacity: () => mostAhead,
      accept: (taken) => this.#accept(taken),
      has: (id) => this.#has(id),
    }
    const giveBackUnknown = (identity: Identity) => this.#giveBackUnknown(identity, queue)
    const due = new DueJobs({ jobs, queue, claim: this.#claim, pollMs, giveBackUnknown })
    this.#queues.set(queue, { due, taker })
    declarations.add(queue, () => due.look())
  }

  async start(identity: Identity): Promise<void> {
    this.#answerAs(identity)
    for (const { due, taker } of this.#queues.values()) await due.start(identity, taker)
  }

  /** Others see to what was taken in the name of the worker. */
  lose(): void {
    this.#answerAs(undefined)
    this.#ahead = []
    this.#returned.clear()
    this.#receivedEarly.clear()
    for (const { due } of this.#queues.values()) due.lose()
  }

  resume(identity: Identity): void {
    this.#answerAs(identity)
    for (const { due } of this.#queues.values()) due.resume(identity)
  }

  #answerAs(identity: Identity | undefined): void {
    this.#identity = identity
    this.#confirmed.begin(identity?.id)
    this.#begun.begin(identity?.id)
  }

  /** The job was received: nothing is to be noted any more. */
  received(id: string): void {
    if (!this.#confirmed.forget(id) && this.#inFlight.has(id)) this.#receivedEarly.add(id)
  }

  /** Whether this worker published the message, and nobody else can have had it: it has the job in hand. */
  answersFor(mark: Mark): boolean {
    return this.#find(mark) !== undefined
  }

  /** Begins a job that this worker answers for; undefined where it does so no longer. */
  begin(mark: Mark): TakenJob | undefined {
    const job = this.#find(mark)
    if (job === undefined) return undefined
    this.received(job.id)
    this.#begun.add(job)
    return job
  }

  #find({ id, attempt }: Mark): TakenJob | undefined {
    const published = this.#inFlight.get(id)
    if (published === undefined) return this.#confirmed.find(id, attempt)
    const { job, identity } = published
    return job.attempt === attempt && identity === this.#identity && !this.#receivedEarly.has(id) ? job : undefined
  }

  /** What came of a job is written down, or another's business. */
  settled(id: string): void {
    this.#begun.forget(id)
  }

  /** Takes nothing more, and leaves nothing that it answers for. Idempotent. */
  async stop(): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    for (const { due } of this.#queues.values()) await due.stop()
    for (const job of this.#ahead.splice(0)) this.#returned.set(job.id, job)
    await briefly(this.#options.publisher.drain())
    for (const [id, { job }] of this.#inFlight) if (!this.#receivedEarly.has(id)) this.#returned.set(id, job)
    this.#inFlight.clear()
    this.#giveBackSoon()
    await briefly(Promise.resolve(this.#givingBack))
    this.#identity = undefined
    await this.#givingBack
    await this.#confirmed.end()
  }

  /** After all that was begun is settled, or given up. */
  close(): Promise<void> {
    return this.#begun.drop()
  }

  #room(queue: string): number {
    const { publisher, declarations } = this.#options
    if (this.#stopping || !publisher.ready || !declarations.has(queue)) return 0
    // A few at a time are not worth a claim while others are at hand.
    return this.#ahead.length > mostAhead / 2 ? 0 : mostAhead - this.#ahead.length
  }

  #has(id: string): boolean {
    return this.#hasOut(id) || this.#ahead.some((job) => job.id === id)
  }

  /** Whether it has the job, and not to be published yet. */
  #hasOut(id: string): boolean {
    return this.#inFlight.has(id) || this.#confirmed.has(id) || this.#begun.has(id) || this.#returned.has(id)
  }

  #accept(taken: readonly TakenJob[]): void {
    // Whatever is known of an earlier taking says nothing of this one.
    let lane = this.#ahead.at(-1)?.lane ?? 0
    let isOrdered = true
    for (const { id, lane: own } of taken) {
      if (own < lane) isOrdered = false
      lane = own
      this.#inFlight.delete(id)
      this.#receivedEarly.delete(id)
      this.#confirmed.forget(id)
      this.#begun.forget(id)
      this.#returned.delete(id)
    }
    this.#ahead.push(...taken)
    // Those of a lane keep their order.
    if (!isOrdered) this.#ahead.sort(byLane)
    this.#publish()
  }

  #publish(): void {
    const { publisher, declarations, sender } = this.#options
    const identity = this.#identity
    if (identity === undefined) return
    const count = publisher.ready ? mostInFlight - this.#inFlight.size : this.#ahead.length
    if (count <= 0) return
    publisher.together(() => {
      for (const job of this.#ahead.splice(0, count)) {
        if (!publisher.ready || !declarations.has(job.queue)) {
          this.#returned.set(job.id, job)
          continue
        }
        this.#inFlight.set(job.id, { job, identity })
        const told = (publication: Publication) => this.#told(job, identity, publication)
        publisher.publish(jobEnvelope(job, sender), bodyOf(job), told)
      }
    })
    if (this.#returned.size > 0) this.#giveBackSoon()
  }

  #told(job: TakenJob, identity: Identity, publication: Publication): void {
    if (this.#inFlight.get(job.id)?.job !== job) return
    this.#inFlight.delete(job.id)
    this.#count(job, publication)
    const received = this.#receivedEarly.delete(job.id)
    if (publication === "returned") this.#options.declarations.declareAgain(job.queue)
    if (this.#identity === identity && !received) {
      if (publication === "confirmed") this.#confirmed.add(job)
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
    if (this.#returned.size > 0) this.#giveBackSoon()
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

  #giveBackSoon(): void {
    this.#givingBack ??= this.#giveBackAll()
  }

  /** However long the database is away, as long as the worker is who it was. */
  async #giveBackAll(): Promise<void> {
    await undefined
    const identity = this.#identity
    let wait = firstPauseMs
    while (identity !== undefined && this.#identity === identity && this.#returned.size > 0) {
      try {
        await this.#giveBack([...this.#returned.values()], identity)
      } catch (error) {
        this.#options.jobs.log.warning("Jobs that RabbitMQ does not have cannot be given back", { error })
        await pause(wait)
        wait = Math.min(wait * 2, longestPauseMs)
      }
    }
    this.#givingBack = undefined
  }

  async #giveBack(returned: readonly TakenJob[], { id }: Identity): Promise<void> {
    const { atBroker, jobs } = this.#options
    const queues = await atBroker.giveBack(returned, id)
    for (const job of returned) if (this.#returned.get(job.id) === job) this.#returned.delete(job.id)
    const first = Math.min(...returned.map(({ runAt }) => runAt.getTime()))
    for (const queue of queues) jobs.wake(queue, first)
  }

  /** Jobs whose claim was made and not answered wait again. */
  async #giveBackUnknown({ id }: Identity, queue: string): Promise<void> {
    const { atBroker } = this.#options
    const held = await atBroker.of(id, queue)
    const ahead = new Set(this.#ahead.map((job) => job.id))
    const unknown = held.filter((one) => !ahead.has(one.id) && !this.#hasOut(one.id))
    if (unknown.length > 0) await atBroker.giveBack(unknown, id)
  }
}

const byLane = (one: TakenJob, other: TakenJob) => one.lane - other.lane
