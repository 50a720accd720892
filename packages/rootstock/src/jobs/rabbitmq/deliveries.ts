import { AsyncLocalStorage } from "node:async_hooks"
import type { AsyncMessage, Channel } from "rabbitmq-client"
import { CheckError, NotNullError, QueryError, ValidationError } from "../../errors/index.ts"
import type { Job } from "../define.ts"
import { Doubt } from "../doubt.ts"
import { PermanentError } from "../errors.ts"
import type { Holdings } from "../holdings.ts"
import type { Jobs } from "../jobs.ts"
import type { Identity, Source, Taker } from "../source.ts"
import { longestMessageId } from "../tables.ts"
import type { TakenJob } from "../taken.ts"
import { Acknowledgements } from "./acknowledgements.ts"
import type { AtBroker } from "./at-broker.ts"
import { ForeignReader } from "./foreign.ts"
import { type Intake, type NewMessage, NotTakenError, newJobId } from "./intake.ts"
import type { KeptChannel } from "./kept-channel.ts"
import { briefly, type Link } from "./link.ts"
import type { BrokerMeasures } from "./measures.ts"
import { type Mark, markOf } from "./message.ts"
import type { Relay } from "./relay.ts"
import { messageOf } from "./sentences.ts"
import type { Topology } from "./topology.ts"

export type DeliveriesOptions = {
  readonly jobs: Jobs
  readonly link: Link
  readonly topology: Topology
  readonly queue: string
  /** How many messages the broker delivers before it awaits acknowledgements: as many as are handled at a time. */
  readonly concurrency: number
  readonly holdings: Holdings
  readonly atBroker: AtBroker
  readonly intake: Intake
  readonly measures: BrokerMeasures
  /** The largest message of others that is read, in bytes. */
  readonly largest: number
  /** Publishes the messages of this worker. */
  readonly relay: Pick<Relay, "answersFor" | "begin" | "received" | "settled">
}

/** A message in hand; one that comes `again` was delivered before, to somebody who may have taken its job. */
type Delivery = { readonly tag: number; readonly acknowledgements: Acknowledgements } & (
  | { readonly kind: "ours"; readonly mark: Mark; readonly again: boolean }
  | { readonly kind: "foreign"; readonly message: AsyncMessage; readonly id: string }
)
type Ours = Extract<Delivery, { kind: "ours" }>
type Foreign = Extract<Delivery, { kind: "foreign" }>

type Fitting = { readonly delivery: Foreign; readonly message: NewMessage }

/** Pauses between the tries while the database is away, in milliseconds; and between the looks whether a queue is paused. */
const firstPauseMs = 100
const longestPauseMs = 5_000
const pausedMs = 1_000

/**
 * Takes the jobs of one queue for which the broker delivers messages, and makes jobs of the messages of others.
 *
 * A message is acknowledged when its job's handler has returned, or the job waits again in the database, so that the broker
 * never delivers more than are handled at a time. (Until that the job is done is written down, its row says whose it is.) One of others that has no id is so when it has become a job, since it would become another if it
 * came again. That a message comes twice does no harm to one of ours: its job can be taken only once.
 */
export class Deliveries implements Source {
  readonly queue: string
  readonly #options: DeliveriesOptions
  readonly #inOwnContext = AsyncLocalStorage.snapshot()
  readonly #reader: ForeignReader
  readonly #foreignJob: Job | undefined
  #kept: KeptChannel | undefined
  #channel: Channel | undefined
  #consumerTag: string | undefined
  /** Of the channels that are open. */
  readonly #open = new Set<Acknowledgements>()
  #identity: Identity | undefined
  #taker: Taker | undefined
  /** In hand, and not taken. */
  #waiting: Delivery[] = []
  /** Their jobs are taken, and not settled. */
  readonly #taken = new Map<string, Delivery>()
  /** Those of them that are acknowledged. */
  readonly #acknowledged = new Set<string>()
  #taking: Promise<void> | undefined
  #later: NodeJS.Timeout | undefined
  #pauseMs = firstPauseMs
  readonly #doubt = new Doubt(() => this.#inOwnContext(() => this.look()))
  #stopping = false
  #delivered = 0

  constructor(options: DeliveriesOptions) {
    const { jobs, queue, largest } = options
    this.queue = queue
    this.#options = options
    this.#foreignJob = jobs.definitions.find((one) => one.queue === queue && one.foreign)
    this.#reader = new ForeignReader({ backend: jobs.backend, job: this.#foreignJob, queue, largest })
  }

  async start(identity: Identity, taker: Taker): Promise<void> {
    const { link, queue } = this.#options
    this.#identity = identity
    this.#taker = taker
    this.#kept = link.keep({
      purpose: `for receiving from the queue ${queue}`,
      setUp: (channel) => this.#consume(channel),
      lost: () => {
        // They are delivered again.
        this.#waiting = []
        this.#channel = undefined
      },
    })
  }

  look(): void {
    const identity = this.#identity
    if (this.#taking !== undefined || this.#later !== undefined || identity === undefined || this.#stopping) return
    if (!this.#doubt.open && (this.#waiting.length === 0 || this.#room() <= 0)) return
    this.#taking = this.#take(identity).finally(() => {
      this.#taking = undefined
      // For what came meanwhile.
      this.look()
    })
  }

  settled({ id }: TakenJob): void {
    const delivery = this.#taken.get(id)
    if (delivery === undefined) return
    this.#taken.delete(id)
    this.#options.relay.settled(id)
    if (!this.#acknowledged.delete(id)) delivery.acknowledgements.add(delivery.tag)
  }

  returned({ id }: TakenJob): void {
    const delivery = this.#taken.get(id)
    if (delivery === undefined) return
    this.#acknowledged.add(id)
    delivery.acknowledgements.add(delivery.tag)
  }

  lose(): void {
    this.#identity = undefined
    // Their jobs come back by the database.
    for (const [id, delivery] of this.#taken) {
      if (!this.#acknowledged.has(id)) delivery.acknowledgements.add(delivery.tag)
    }
    this.#taken.clear()
    this.#acknowledged.clear()
  }

  resume(identity: Identity): void {
    this.#identity = identity
    this.look()
  }

  /** Asks for no more; what is in hand and not taken goes back to the broker with the channel, at `close`. */
  async stop(): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    clearTimeout(this.#later)
    const channel = this.#channel
    const consumerTag = this.#consumerTag
    if (channel?.active === true && consumerTag !== undefined) {
      await briefly(channel.basicCancel({ consumerTag }))
    }
    await this.#taking
    this.#doubt.end()
  }

  /** How many messages came since the start. */
  get delivered(): number {
    return this.#delivered
  }

  /** Whether messages are in hand. */
  get busy(): boolean {
    return this.#waiting.length > 0 || this.#taken.size > 0
  }

  /** Receives by another channel. */
  reopen(): void {
    void this.#channel?.close()
  }

  /** Gives the channel up, when all is settled. */
  async close(): Promise<void> {
    for (const acknowledgements of this.#open) acknowledgements.flush()
    this.#waiting = []
    if (this.#kept !== undefined) await this.#options.link.drop(this.#kept)
  }

  #room(): number {
    const { concurrency } = this.#options
    return Math.min(this.#taker?.room() ?? 0, concurrency - this.#taken.size + this.#acknowledged.size)
  }

  async #consume(channel: Channel): Promise<void> {
    const { queue, concurrency, topology } = this.#options
    if (this.#stopping) return
    await topology.declare(channel, queue)
    await channel.basicQos({ prefetchCount: Math.min(concurrency, 65_535) })
    const acknowledgements = new Acknowledgements(channel)
    this.#open.add(acknowledgements)
    channel.once("close", () => this.#open.delete(acknowledgements))
    // The queue was deleted: it is made again with the next channel.
    channel.on("basic.cancel", () => void channel.close())
    const { consumerTag } = await channel.basicConsume({ queue }, (message) =>
      this.#inOwnContext(() => this.#deliver(message, acknowledgements)),
    )
    this.#channel = channel
    this.#consumerTag = consumerTag
  }

  #deliver(message: AsyncMessage, acknowledgements: Acknowledgements): void {
    this.#delivered++
    const mark = markOf(message)
    const common = { tag: message.deliveryTag, acknowledgements }
    if (mark === undefined) this.#waiting.push({ ...common, kind: "foreign", message, id: newJobId() })
    else this.#waiting.push({ ...common, kind: "ours", mark, again: message.redelivered })
    this.look()
  }

  async #take(identity: Identity): Promise<void> {
    const { jobs, queue } = this.#options
    // What the broker has sent at once is taken at once.
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
    const batch = this.#waiting.splice(0, Math.max(0, this.#room()))
    const left = new Set(batch)
    try {
      if (this.#doubt.open) await this.#doubt.clear(() => this.#giveBackUnknown(identity, left))
      await this.#takeOurs(identity, [...left].filter(isOurs), left)
      await this.#takeForeign(identity, [...left].filter(isForeign), left)
      this.#pauseMs = firstPauseMs
    } catch (error) {
      if (error instanceof NotTakenError) this.#lookLater(pausedMs)
      else {
        this.#doubt.raise()
        jobs.log.warning(`Messages of the queue ${queue} cannot be taken`, { error })
        this.#lookLater(this.#pauseMs)
        this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs)
      }
    }
    // Those of a channel that is gone are delivered again.
    const open = [...left].filter(({ acknowledgements }) => this.#open.has(acknowledgements))
    this.#waiting.unshift(...open)
  }

  #lookLater(pauseMs: number): void {
    clearTimeout(this.#later)
    this.#later = setTimeout(() => {
      this.#later = undefined
      this.look()
    }, pauseMs)
  }

  /** @param left the deliveries of which nothing is decided; those that are go from it */
  async #takeOurs(identity: Identity, deliveries: readonly Ours[], left: Set<Delivery>): Promise<void> {
    const unknown: Ours[] = []
    for (const one of await this.#beginOwn(identity, deliveries, left)) {
      // The message of a job in hand came again.
      if (this.#taken.has(one.mark.id)) this.#drop(one, left)
      else unknown.push(one)
    }
    if (unknown.length === 0) return
    const { atBroker, relay } = this.#options
    const jobs = await atBroker.take(
      unknown.map(({ mark }) => mark),
      identity.id,
    )
    const byId = new Map(jobs.map((job) => [job.id, job]))
    const taken: (readonly [TakenJob, Delivery])[] = []
    const others: Ours[] = []
    for (const one of unknown) {
      const job = byId.get(one.mark.id)
      if (job === undefined) others.push(one)
      else {
        byId.delete(job.id)
        left.delete(one)
        relay.received(job.id)
        taken.push([job, one])
      }
    }
    this.#accept(identity, taken)
    if (others.length === 0) return
    const standing = await this.#standing(others)
    for (const one of others) if (!standing.has(one.mark.id)) this.#drop(one, left)
    if (standing.size > 0) throw new NotTakenError()
  }

  /**
   * Begins the jobs that this worker answers for, which need not be taken from the database. One that was delivered before
   * may have been taken by others.
   *
   * @returns the deliveries of other jobs
   */
  async #beginOwn(identity: Identity, deliveries: readonly Ours[], left: Set<Delivery>): Promise<readonly Ours[]> {
    const { atBroker, queue, relay } = this.#options
    const isOwn = ({ mark, again }: Ours) => !again && relay.answersFor(mark)
    if (!deliveries.some(isOwn) || !(await atBroker.mayTake(queue, identity.id))) return deliveries
    const begun: (readonly [TakenJob, Delivery])[] = []
    const others: Ours[] = []
    for (const one of deliveries) {
      const job = one.again ? undefined : relay.begin(one.mark)
      if (job !== undefined) {
        left.delete(one)
        begun.push([job, one])
      } else others.push(one)
    }
    this.#accept(identity, begun)
    return others
  }

  /** There is nothing to be done for it. */
  #drop(delivery: Delivery, left: Set<Delivery>): void {
    const { measures, queue } = this.#options
    left.delete(delivery)
    measures.of(queue).stale++
    delivery.acknowledgements.add(delivery.tag)
  }

  /** Those that could not be taken only because the queue is paused, or the worker was taken for dead. */
  async #standing(deliveries: readonly Ours[]): Promise<ReadonlySet<string>> {
    const marks = await this.#options.atBroker.standing(deliveries.map(({ mark }) => mark))
    return new Set(marks.map(({ id }) => id))
  }

  async #takeForeign(identity: Identity, deliveries: readonly Foreign[], left: Set<Delivery>): Promise<void> {
    const fitting: Fitting[] = []
    for (const delivery of deliveries) {
      const { message, id } = delivery
      const read = this.#reader.read(message)
      const one = { id, messageId: messageIdOf(message), payload: read.payload }
      if (read.kind === "fits") fitting.push({ delivery, message: { ...one, job: read.job } })
      else await this.#refuse(delivery, one, read.reason, left)
    }
    await this.#receive(identity, fitting, left)
  }

  async #receive(identity: Identity, fitting: readonly Fitting[], left: Set<Delivery>): Promise<void> {
    if (fitting.length === 0) return
    const { intake, queue, measures } = this.#options
    let taken: readonly TakenJob[]
    try {
      const messages = fitting.map(({ message }) => message)
      taken = await intake.receive(queue, messages, identity.id)
    } catch (error) {
      if (!isForGood(error)) throw error
      const [first, ...others] = fitting as readonly [Fitting, ...Fitting[]]
      if (others.length === 0) await this.#refuse(first.delivery, first.message, messageOf(error), left)
      // One of them must not stand in the way of the rest.
      else for (const one of fitting) await this.#receive(identity, [one], left)
      return
    }
    const byId = new Map(taken.map((job) => [job.id, job]))
    measures.of(queue).received += taken.length
    const accepted: (readonly [TakenJob, Delivery])[] = []
    for (const { delivery } of fitting) {
      left.delete(delivery)
      const job = byId.get(delivery.id)
      if (job === undefined) delivery.acknowledgements.add(delivery.tag)
      else accepted.push([job, delivery])
    }
    this.#accept(identity, accepted)
  }

  async #refuse(
    delivery: Foreign,
    message: Omit<NewMessage, "job">,
    reason: string,
    left: Set<Delivery>,
  ): Promise<void> {
    const { intake, jobs, queue, measures } = this.#options
    const error = new PermanentError(reason, { cure: "Let its producer publish what fits." })
    const refused = { ...message, queue, job: this.#foreignJob, error }
    const isNew = await intake.refuse(refused).catch((cause) => {
      if (!isForGood(cause)) throw cause
      return intake.refuse({ ...refused, payload: {} })
    })
    left.delete(delivery)
    delivery.acknowledgements.add(delivery.tag)
    if (!isNew) {
      jobs.measures.inboxHits++
      return
    }
    measures.of(queue).refused++
    const { id, messageId } = message
    jobs.log.warning(`A message of the queue ${queue} is refused: ${reason}`, { job_id: id, message_id: messageId })
  }

  /** Has jobs done whose messages are in hand. */
  #accept(identity: Identity, taken: readonly (readonly [TakenJob, Delivery])[]): void {
    if (taken.length === 0) return
    // Otherwise they come back by the database.
    const ours = this.#identity === identity
    for (const [{ id }, delivery] of taken) {
      const comesOnce = delivery.kind === "foreign" && messageIdOf(delivery.message) === undefined
      if (ours && !comesOnce) this.#taken.set(id, delivery)
      else delivery.acknowledgements.add(delivery.tag)
    }
    if (ours) this.#taker?.accept(taken.map(([job]) => job))
  }

  /** Jobs whose taking was made and not answered wait again, and those of messages of others are not made twice. */
  async #giveBackUnknown({ id }: Identity, left: Set<Delivery>): Promise<void> {
    const { holdings, queue, jobs } = this.#options
    const held = await holdings.heldIn(queue, id)
    const unknown = new Set(held.filter((one) => this.#taker?.has(one) !== true))
    if (unknown.size > 0) {
      await holdings.giveBack(id, [...unknown])
      jobs.wake(queue, jobs.clock.now().getTime())
    }
    const isThere = (delivery: Delivery) => delivery.kind === "foreign" && unknown.has(delivery.id)
    for (const delivery of [...left, ...this.#waiting].filter(isThere)) {
      left.delete(delivery)
      delivery.acknowledgements.add(delivery.tag)
    }
    this.#waiting = this.#waiting.filter((delivery) => !isThere(delivery))
  }
}

/** The database will never take what it was given; all else may pass. */
function isForGood(error: unknown): boolean {
  return [ValidationError, NotNullError, CheckError, QueryError, PermanentError].some((one) => error instanceof one)
}

const isOurs = (delivery: Delivery): delivery is Ours => delivery.kind === "ours"
const isForeign = (delivery: Delivery): delivery is Foreign => delivery.kind === "foreign"

/** The id that its producer gave a message, as both engines can store it; undefined where there is none. */
export function messageIdOf({ messageId }: AsyncMessage): string | undefined {
  if (messageId === undefined || messageId === "") return undefined
  return messageId.replaceAll("\0", "\uFFFD").slice(0, longestMessageId)
}
