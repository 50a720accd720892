import { Holdings } from "../holdings.ts"
import type { Jobs } from "../jobs.ts"
import { Repeating } from "../repeating.ts"
import type { Identity, Source, Transport } from "../source.ts"
import { AtBroker } from "./at-broker.ts"
import { DeadLetters } from "./dead-letters.ts"
import { Declarations } from "./declarations.ts"
import { Deliveries } from "./deliveries.ts"
import { Intake } from "./intake.ts"
import type { Link } from "./link.ts"
import { LostMessages } from "./lost-messages.ts"
import type { BrokerMeasures } from "./measures.ts"
import { PublishedJobs } from "./published-jobs.ts"
import { Publisher } from "./publisher.ts"
import { Relay } from "./relay.ts"
import type { Topology } from "./topology.ts"

export type BrokerTransportOptions = {
  readonly jobs: Jobs
  readonly publishing: Link
  readonly receiving: Link
  readonly topology: Topology
  readonly measures: BrokerMeasures
  readonly sender: string
  readonly largest: number
  readonly pollMs: number
  readonly lostMs: number
  /** Told at the end. */
  readonly stopped: () => void
}

/** Brings the jobs of queues to one worker by way of RabbitMQ. */
export class BrokerTransport implements Transport {
  readonly #options: BrokerTransportOptions
  readonly #holdings: Holdings
  readonly #atBroker: AtBroker
  readonly #intake: Intake
  readonly #publisher: Publisher
  readonly #declarations: Declarations
  readonly #relay: Relay
  readonly #deliveries: Deliveries[] = []
  readonly #deadLetters: DeadLetters[] = []
  #lookForLost: Repeating | undefined

  constructor(options: BrokerTransportOptions) {
    const { jobs, publishing, topology } = options
    this.#options = options
    this.#holdings = new Holdings(jobs.backend)
    this.#atBroker = new AtBroker(jobs.backend)
    this.#intake = new Intake(jobs)
    this.#declarations = new Declarations(publishing, topology, jobs.log)
    this.#publisher = new Publisher(publishing, () => this.#declarations.declareAll())
    this.#relay = new Relay({ ...this.#shared, atBroker: this.#atBroker })
  }

  get #shared() {
    const { jobs, measures, sender, pollMs } = this.#options
    return { jobs, measures, sender, pollMs, publisher: this.#publisher, declarations: this.#declarations }
  }

  /** Whether messages may be published to all queues. */
  get ready(): boolean {
    return this.#declarations.ready
  }

  /** Why queues cannot be used. */
  get problems(): readonly unknown[] {
    return this.#declarations.problems
  }

  source(queue: string, concurrency: number): Source {
    const { jobs, receiving, topology, measures, largest } = this.#options
    if (jobs.definitions.some((one) => one.queue === queue && one.published !== undefined)) {
      return new PublishedJobs({ ...this.#shared, queue, holdings: this.#holdings })
    }
    const database = { jobs, atBroker: this.#atBroker, intake: this.#intake }
    const common = { ...database, link: receiving, topology, queue, measures, largest }
    const deliveries = new Deliveries({ ...common, concurrency, holdings: this.#holdings, relay: this.#relay })
    this.#relay.add(queue)
    this.#deliveries.push(deliveries)
    this.#deadLetters.push(new DeadLetters(common))
    return deliveries
  }

  async start(identity: Identity): Promise<void> {
    const { jobs, receiving, measures, lostMs } = this.#options
    const receivers = this.#deliveries
    const lost = new LostMessages({ jobs, link: receiving, receivers, atBroker: this.#atBroker, measures })
    const report = (error: unknown) => jobs.log.warning("The look for lost messages failed", { error })
    this.#lookForLost = new Repeating(lostMs, (signal) => lost.run(signal), report)
    await this.#relay.start(identity)
    for (const one of this.#deadLetters) one.start()
    this.#lookForLost.start()
  }

  lose(): void {
    this.#relay.lose()
  }

  resume(identity: Identity): void {
    this.#relay.resume(identity)
  }

  async quiesce(): Promise<void> {
    await this.#lookForLost?.stop()
    await this.#relay.stop()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#deadLetters.map((one) => one.stop()))
    await Promise.all(this.#deliveries.map((one) => one.close()))
    await this.#relay.close()
    await this.#declarations.stop()
    await this.#publisher.stop()
    this.#options.stopped()
  }
}
